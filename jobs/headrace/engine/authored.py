"""Where an expression that failed stands in the definitions: SQL as Spark quotes it, back to what its author wrote."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headrace.engine.inputs import expression_sql, input_sql
from headrace.expressions import DataType
from headrace.logical import AggregateFeature, Derive, FeatureSet, Keep, RollUp, Rows
from headrace.logical.node import Sql
from headrace.logical.pruning import nodes_of

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Authored:
    """One expression of the definitions.

    Attributes:
        kind: What it belongs to: `feature`, `derived column`, `column` (of a roll-up) or `where` (of source or group).
        name: The name of that; a `where` has none.
        text: The author's own text.
        handed: The SQL around it that Spark gets.
    """

    kind: str
    name: str
    text: str
    handed: str


Expressions = tuple[Authored, ...]


def authored(features: FeatureSet) -> Expressions:
    """Every expression that a group's values are computed with, those of its sources included."""
    return (*_of_rows(features.events), *_of_features(features))


def located(quoted: str, expressions: Expressions, *, whole: bool = False) -> str:
    """Says which definitions a piece of SQL is from: ` in feature share: amount / total`; empty where none is known.

    Args:
        quoted: What Spark underlines, or names, as the text that failed.
        expressions: Among which to look.
        whole: Show all of the author's text, of which the piece alone says little.
    """
    found = [expression for expression in expressions if quoted.strip() and quoted in expression.handed]
    if not found:
        return ""
    # Of a feature's own SQL around the text, an author knows nothing.
    text = quoted if not whole and any(quoted in expression.text for expression in found) else found[0].text
    named: dict[str, list[str]] = {}
    for expression in found:
        names = named.setdefault(expression.kind, [])
        if expression.name not in names:
            names.append(expression.name)
    return f" in {', '.join(_listed(kind, names) for kind, names in named.items())}: {text}"


def _listed(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names[:MOST_NAMED])}{more}".rstrip()


def _of_rows(events: Rows) -> Iterator[Authored]:
    for node in nodes_of(events):
        if isinstance(node, Derive):
            yield from (Authored("derived column", name, sql.text, sql.text) for name, sql in node.columns)
        elif isinstance(node, RollUp):
            yield from (_input("column", c.name, c.of, c.of_type) for c in node.columns if c.of)
        elif isinstance(node, Keep):
            yield Authored("where", "", node.condition.text, node.condition.text)


def _of_features(features: FeatureSet) -> Iterator[Authored]:
    for feature in features.aggregates:
        yield from _of_aggregate(feature)
    for expression in features.expressions:
        text = expression.expression.text
        yield Authored("feature", expression.name, text, expression_sql(expression))


def _of_aggregate(feature: AggregateFeature) -> Iterable[Authored]:
    if feature.of is not None:
        yield _input("feature", feature.feature, feature.of, feature.of_type)
    if feature.where is not None:
        yield Authored("feature", feature.feature, feature.where.text, feature.where.text)


def _input(kind: str, name: str, of: Sql, of_type: str | None) -> Authored:
    handed = input_sql(of.text, DataType.parse(of_type) if of_type else None)
    return Authored(kind, name, of.text, handed)
