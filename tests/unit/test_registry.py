"""Parts of the registry by themselves: places in scalars, dependencies, column names."""

from pathlib import Path

import pytest

from headrace import documents
from headrace.errors import Problem
from headrace.expressions import ExpressionError, column_names
from headrace.registry.dependencies import cycles
from headrace.registry.loading import collect, load_project
from headrace.registry.pointing import place_in_scalar, token_length
from headrace.registry.suggesting import did_you_mean

# The X in the value is to be found in the text.
SCALARS = {
    "plain": "a: one X two\n",
    "single-quoted": "a: 'it''s X'\n",
    "double-quoted": 'a: "say \\"X\\" \\u00e9"\n',
    "double-quoted with an escape before": 'a: "\\u00e9 \\t X"\n',
    "double-quoted with a broken line": 'a: "one \\\n  two X"\n',
    "plain over lines": "a: one\n  two\n\n  X three\n",
    "single-quoted over lines": "a: 'one\n  X two'\n",
    "literal block": "a: |\n  one\n\n    two X\n  three\n",
    "folded block": "a: >-\n  one\n  two\n  three X\n",
    "block with an indentation": "a: |2-\n    one X\n",
    "in a flow mapping": "a: {b: [one, two X]}\n",
    "after a comma in parentheses": "a: {b: nullif(one,   X), c: 1}\n",
    "in the second document": "a: 1\n---\na: one X\n",
}


@pytest.mark.parametrize("text", SCALARS.values(), ids=SCALARS)
def test_the_place_of_a_character(text: str) -> None:
    loaded, problems = documents.load(text, "x.yaml")
    assert problems == []
    document = loaded[-1]
    path = next(path for path, value in _scalars(document.value, ()) if "X" in value)
    value = _at(document.value, path)
    place = place_in_scalar(text, document.position(path), value, value.index("X"))
    assert text.split("\n")[place.line - 1][place.column - 1] == "X"


def test_the_place_behind_the_end() -> None:
    assert place_in_scalar("a: one\n", documents.Position(1, 4), "one", 3) == (1, 7)


def test_a_text_that_does_not_go_with_the_value_gives_the_start() -> None:
    assert place_in_scalar("a: one\n", documents.Position(1, 4), "two", 2) == (1, 4)


@pytest.mark.parametrize(
    ("value", "offset", "length"),
    [
        ("amount > 0", 0, 6),
        ("amount >= 0", 7, 2),
        ("`a b` + 1", 0, 5),
        ("'web' = x", 0, 5),
        ("(a)", 2, 1),
        ("a", 1, 1),
    ],
)
def test_the_length_of_a_token(value: str, offset: int, length: int) -> None:
    assert token_length(value, offset) == length


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ({}, []),
        ({"a": {"b"}, "b": set()}, []),
        ({"a": {"a"}}, [{"a"}]),
        ({"a": {"b"}, "b": {"a"}, "c": {"a"}}, [{"a", "b"}]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c"}}, [{"a", "b"}, {"c", "d"}]),
    ],
)
def test_cycles(uses: dict[str, set[str]], expected: list[set[str]]) -> None:
    found = cycles(uses)
    assert [set(cycle) for cycle in found] == expected
    for cycle in found:
        assert all(after in uses[before] for before, after in zip(cycle, (*cycle[1:], cycle[0]), strict=True))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("amount", {"amount"}),
        ("Amount + `the fee`", {"Amount", "the fee"}),
        ("lower(channel) = 'web'", {"channel"}),
        ("info.city", {"info"}),
        ("case when a is null then cast(b as bigint) else 0 end", {"a", "b"}),
        ("date'2024-01-01' > at", {"at"}),
        ("1 + 2", set()),
    ],
)
def test_column_names(text: str, names: set[str]) -> None:
    assert column_names(text) == names


def test_column_names_of_what_is_no_expression() -> None:
    with pytest.raises(ExpressionError):
        column_names("a; drop table b")


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("sale_value", ["sales_value", "price"], "did you mean 'sales_value'?"),
        ("PRICE", ["sales_value", "price"], "did you mean 'price'?"),
        ("zzz", ["sales_value", "price"], "known: sales_value, price"),
        ("zzz", [f"column_{i}" for i in range(9)], None),
        ("zzz", [], None),
    ],
)
def test_suggestions(name: str, known: list[str], hint: str | None) -> None:
    assert did_you_mean(name, known) == hint


def test_definitions_without_files() -> None:
    loaded, _ = documents.load("kind: entity\nname: e\nkeys: {a: bigint}\n", "x.yaml")
    project, problems = collect(loaded)
    assert problems == []
    problem = project.entities["e"].problem(("keys", "a"), "some-code", "is wrong", offset=3)
    assert problem == Problem("some-code", "is wrong", "x.yaml", 3, 14, where="e", length=3)


def test_files_of_a_project(tmp_path: Path) -> None:
    folder = tmp_path / "feature_defs" / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text("\ufeffkind: entity\nname: a\nkeys: {k: bigint}\n")
    (folder / "b.yaml").write_bytes(b"kind: entity\nname: b\xff\n")
    (folder / "c.yaml").symlink_to(folder / "nowhere.yaml")
    (folder / "d.yaml").mkdir()
    project, problems = load_project(tmp_path)
    assert list(project.entities) == ["a"]
    assert [(p.file, p.code) for p in problems] == [
        ("feature_defs/deep/er/b.yaml", "yaml-syntax"),
        ("feature_defs/deep/er/c.yaml", "unreadable-file"),
    ]


def _scalars(value: object, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in _scalars(item, (*path, key))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _scalars(item, (*path, index))]
    return [(path, str(value))]


def _at(value: object, path: tuple[str | int, ...]) -> str:
    for part in path:
        value = value[part]  # type: ignore[index]
    assert isinstance(value, str)
    return value
