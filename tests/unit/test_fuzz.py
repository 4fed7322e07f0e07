"""Random definitions and expressions: nothing crashes, every finding is a Problem, and nothing is let through.

Some seconds each; FUZZ_EXAMPLES=100000 in the environment of the tests draws that many examples instead.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.documents import load
from headrace.errors import Problem
from headrace.expressions import FUNCTIONS, DataType, ExpressionError, check
from headrace.registry.linting import lint
from tests.unit.hostile import ATTEMPTS, DEFINITIONS

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
fuzz = settings(
    max_examples=EXAMPLES or 150, deadline=None, suppress_health_check=list(HealthCheck), print_blob=bool(EXAMPLES)
)
RETAIL = (Path(__file__).parents[2] / "feature_defs" / "retail.yaml").read_text()
TOKEN = re.compile(r"[A-Za-z0-9_.]+|[^\sA-Za-z0-9_]|\n *")
PIECES = sorted(
    {new for _, new, _ in ATTEMPTS if len(new) < 200} | set(TOKEN.findall(DEFINITIONS)) | {"\t", "\x85", "9" * 30}
)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A valid file with tokens deleted, doubled, swapped or replaced."""
    tokens = TOKEN.findall(re.sub(r" +#.*", "", draw(st.sampled_from([DEFINITIONS, RETAIL]))).replace(" ", " "))
    text = draw(st.sampled_from([DEFINITIONS, RETAIL]))
    places = [match.span() for match in TOKEN.finditer(text)]
    for begin, end in sorted((draw(st.sampled_from(places)) for _ in range(draw(st.integers(1, 4)))), reverse=True):
        new = draw(
            st.one_of(st.just(""), st.just(text[begin:end] * 2), st.sampled_from(PIECES), st.sampled_from(tokens))
        )
        text = text[:begin] + new + text[end:]
    return text


SCALARS = st.one_of(st.sampled_from(PIECES), st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.none())
TREES: Any = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(PIECES), inner, max_size=4)),
    max_leaves=20,
)


@st.composite
def trees(draw: st.DrawFn) -> str:
    """A valid document with random trees in some of its fields, as YAML flow text."""
    import yaml

    documents = list(yaml.safe_load_all(DEFINITIONS))
    document = draw(st.sampled_from(documents))
    for field in draw(st.lists(st.sampled_from(sorted(document)), min_size=1, max_size=3, unique=True)):
        if field != "kind":
            document[field] = draw(TREES)
    return yaml.safe_dump_all(documents, allow_unicode=True)


def sound(problems: list[Problem]) -> None:
    for problem in problems:
        assert isinstance(problem, Problem)
        assert problem.text().isprintable()
        assert len(problem.text()) < 4_000
        assert problem.file is None or (problem.line or 0) >= 0


@fuzz
@given(st.one_of(st.binary(max_size=300), mutations().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_are_documents_or_problems(content: bytes) -> None:
    sound(load(content.decode("utf-8", "replace"), "a.yaml")[1])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fuzz")
    (root / "feature_defs").mkdir()
    return root


@fuzz
@given(text=st.one_of(mutations(), trees()))
def test_any_definitions_lint(project: Path, text: str) -> None:
    (project / "feature_defs" / "shop.yaml").write_text(text, "utf-8", "surrogatepass")
    sound(lint(project).problems)


COLUMNS = {
    name: DataType.parse(kind)
    for name, kind in {
        "a": "int", "b": "double", "s": "string", "t": "timestamp", "d": "date", "flag": "boolean",
        "arr": "array<int>", "box": "struct<x: int>", "m": "map<string,int>", "n": "decimal(10,2)", "odd `name": "int",
    }.items()
}  # fmt: skip
VALID = [
    "a + b * 2", "coalesce(s, 'x') = 'it''s'", "case when flag then a else 0 end", "cast(s as int) > 3", "a between 1 and 2",
    "s like 'a%' and not flag", "datediff(d, date'2024-01-01')", "arr[0] + box.x", "m['k'] is null", "`odd ``name` % 2 = 1",
    "a in (1, 2, 3)", "try_cast(s as decimal(10,2))", "n <=> 1.5", "t > timestamp'2024-01-01 00:00:00'", "if(flag, a, -a)",
]  # fmt: skip
WORDS = re.compile(r"'(?:[^']|'')*'|`(?:[^`]|``)*`|[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|\s+|.", re.DOTALL)
SOUP = [
    *sorted({word for text in VALID for word in WORDS.findall(text)} | set(FUNCTIONS)),
    "reflect", "rand", "select", "from", "where", "over", "current_timestamp", "user", "secret", "explode", "sum", "--",
    "/*", "*/", ";", "${x}", "->", "=>", "::", "\\", '"', "\u202e", "\uff52eflect", "x'1F'", "exists", "lateral", "array<int>",
]  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        return draw(st.sampled_from(["", " "])).join(draw(st.lists(st.sampled_from(SOUP), max_size=14)))
    words = WORDS.findall(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words)))
        words[at : at + draw(st.integers(0, 2))] = draw(st.lists(st.sampled_from([*SOUP, *words[:3]]), max_size=2))
    return "".join(words)


# Words that stand before a parenthesis and call nothing.
SYNTAX = {
    "and",
    "or",
    "not",
    "is",
    "in",
    "between",
    "like",
    "ilike",
    "rlike",
    "div",
    "case",
    "when",
    "then",
    "else",
    "escape",
}
OTHERS = {"null", "true", "false", "end", "as", "date", "timestamp", "timestamp_ntz", "timestamp_ltz", "interval"}
TYPES = {"int", "double", "string", "boolean", "bigint", "decimal", "array", "map", "struct", "float", "binary"}
UNITS = {f"{unit}{s}" for unit in ("year", "month", "week", "day", "hour", "minute", "second") for s in ("", "s")}


@settings(parent=fuzz, max_examples=(EXAMPLES or 400))
@given(expressions())
def test_nothing_is_let_through(text: str) -> None:
    """By a scan of its own: what passed calls listed functions only, reads known columns only, hides nothing."""
    try:
        checked = check(text, COLUMNS)
    except ExpressionError as error:
        refusal = error
    else:
        refusal = None
    if refusal is not None:
        assert refusal.offset is None or 0 <= refusal.offset <= len(text)
        assert str(refusal).isprintable()
        return
    assert checked.text == text
    assert checked.columns <= set(COLUMNS)
    bare = re.sub(r"'(?:[^']|'')*'", "''", text)
    assert not re.search(r"--|/\*|\*/|[;\\\"${}@?#:!](?!=)|->|=>", re.sub(r"`(?:[^`]|``)*`|<=>", "c", bare)), text
    called = {
        name.lower() for name in re.findall(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(", re.sub(r"`(?:[^`]|``)*`", "", bare))
    }
    assert called <= {*FUNCTIONS, "cast", "try_cast", *SYNTAX, *TYPES}, text
    plain = re.findall(r"(?<![.\w`])([A-Za-z_][A-Za-z0-9_]*)(?!\s*\()\b", re.sub(r"`(?:[^`]|``)*`", "", bare))
    assert {word.lower() for word in plain} <= {*COLUMNS, *SYNTAX, *OTHERS, *TYPES, *UNITS, "d", "f", "l", "e"}, text
