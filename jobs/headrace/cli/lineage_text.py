"""A lineage as text, as JSON and as Mermaid, which GitHub draws."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.cli.invocation import Invocation
from headrace.errors import DefinitionError, UsageError
from headrace.registry.lineage import Lineage, Node, lineage

_WORDS = {
    "table": "table",
    "feature_table": "feature table",
    "source": "source",
    "roll_up": "roll-up",
    "feature_group": "group",
    "training_set": "training set",
}
_SHAPES = {
    "table": '[("{}")]',
    "feature_table": '[("{}")]',
    "source": '["{}"]',
    "roll_up": '["{}"]',
    "feature_group": '(["{}"])',
    "training_set": '{{{{"{}"}}}}',
}


def print_lineage(invocation: Invocation, what: Sequence[str], format: str) -> int:
    """Prints what is made of what.

    Args:
        invocation: Names the project.
        what: One name, after `training-set` or not; none is all.
        format: `text`, `json` or `mermaid`.

    Raises:
        DefinitionError: The definitions have errors.
        UsageError: Nothing has that name, or there are several.
    """
    linted = invocation.linted()
    if linted.errors:
        raise DefinitionError(linted.errors)
    found = lineage(linted.project)
    names = what[1:] if what[:1] == ["training-set"] else what
    if len(names) > 1:
        raise UsageError(f"status takes one name, and then there is '{names[1]}'")
    for name in names:
        found = found.around(name)
        if not found.nodes:
            raise UsageError(f"nothing is called '{name}'", "headrace status --lineage shows all names")
    match format:
        case "json":
            print(json.dumps(as_json(found), indent=2))
        case "mermaid":
            print(as_mermaid(found))
        case _:
            print(as_text(found))
    return 0


def as_text(lineage: Lineage) -> str:
    """A tree from every table; what was shown before is not shown again."""
    shown: set[Node] = set()
    roots = [node for node in lineage.nodes if not lineage.made_of(node)]
    return "\n".join(line for root in roots for line in _tree(lineage, root, "", "", shown))


def as_json(lineage: Lineage) -> dict[str, Any]:
    """Nodes with their place in the list as id, and edges between ids."""
    ids = {node: index for index, node in enumerate(lineage.nodes)}
    return {
        "nodes": [
            {"id": ids[node], "kind": node.kind, "name": node.name, "version": node.version, "defined": node.is_defined}
            for node in lineage.nodes
        ],
        "edges": [{"from": ids[origin], "to": ids[result]} for origin, result in lineage.edges],
    }


def as_mermaid(lineage: Lineage) -> str:
    """A flow chart from left to right."""
    ids = {node: f"n{index}" for index, node in enumerate(lineage.nodes)}
    nodes = [f"  {ids[node]}{_SHAPES[node.kind].format(_quoted(_said(node)))}" for node in lineage.nodes]
    edges = [f"  {ids[origin]} --> {ids[result]}" for origin, result in lineage.edges]
    return "\n".join(["flowchart LR", *nodes, *edges])


def _tree(lineage: Lineage, node: Node, first: str, rest: str, shown: set[Node]) -> Iterator[str]:
    results = lineage.made_from(node)
    is_again = node in shown and bool(results)
    yield f"{first}{_said(node)}{' (see above)' if is_again else ''}"
    shown.add(node)
    if is_again:
        return
    for result in results:
        is_last = result is results[-1]
        yield from _tree(
            lineage, result, rest + ("└─ " if is_last else "├─ "), rest + ("   " if is_last else "│  "), shown
        )


def _said(node: Node) -> str:
    return f"{_WORDS[node.kind]} {node.label}{'' if node.is_defined else ', no longer defined'}"


def _quoted(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;")
