"""The YAML loader: where things stand, what scalars become, and that nothing in a file can hurt."""

import copy
import json
import math
import pickle
import time
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.documents import Document, Scalar, load, loading, native, read
from headrace.documents.scalars import spelled
from headrace.errors import Problem


def only(text: str) -> Document:
    documents, problems = load(dedent(text), "a.yaml")
    assert not problems
    (document,) = documents
    return document


def complaints(text: str) -> list[str]:
    return [problem.text() for problem in load(dedent(text), "a.yaml")[1]]


GROUP = """\
kind: feature_group
name:   spend      # a comment
features:
  spend: {aggregate: sum, windows: [1d, 7d]}
  "two words":
    windows:
      - 1d
      -   30d
    default:
expectations:
  - expect_x: {column: spend}
text: |
  one
  two
"""


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        # path                                   value    key
        ((), (1, 1), (1, 1)),
        (("kind",), (1, 7), (1, 1)),
        (("name",), (2, 9), (2, 1)),
        (("features",), (4, 3), (3, 1)),
        (("features", "spend"), (4, 10), (4, 3)),
        (("features", "spend", "aggregate"), (4, 22), (4, 11)),
        (("features", "spend", "windows"), (4, 36), (4, 27)),
        (("features", "spend", "windows", 1), (4, 41), (4, 41)),
        (("features", "two words", "windows", 1), (8, 11), (8, 11)),
        (("features", "two words", "default"), (9, 13), (9, 5)),
        (("expectations", 0, "expect_x", "column"), (11, 24), (11, 16)),
        (("text",), (12, 7), (12, 1)),
        # The longest part of a path that exists, and parts that do not exist are passed over.
        (("features", "spend", "nope"), (4, 10), (4, 3)),
        (("features", "spend", "windows", 7), (4, 36), (4, 27)),
        (("features", "spend", "SumSpec", "windows", 0), (4, 37), (4, 37)),
        (("kind", 0), (1, 7), (1, 1)),
    ],
)
def test_positions(path, value, key):
    document = only(GROUP)
    assert document.position(path) == value
    assert document.key_position(path) == key


def test_positions_as_mappings():
    document = only("a: {b: [x]}")
    assert document.positions == {(): (1, 1), ("a",): (1, 4), ("a", "b"): (1, 8), ("a", "b", 0): (1, 9)}
    assert document.key_positions == {("a",): (1, 1), ("a", "b"): (1, 5)}


def test_columns_count_characters():
    assert only("Größe: {naïve: ×}").position(("Größe", "naïve")) == (1, 16)
    assert only("\ufeffa: 1").position(("a",)) == (1, 4)
    assert only("a: 1\r\nb: 2\r\n").position(("b",)) == (2, 4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10:30", "10:30"),
        ("on", "on"),
        ("no", "no"),
        ("y", "y"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("'true'", "true"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("012", 12),
        ("1_000", "1_000"),
        ("'12'", "12"),
        ('"12"', "12"),
        ("0o7", 7),
        ("0o8", "0o8"),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("9" * 5000, "9" * 5000),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1.2.3", "1.2.3"),
        ("1e", "1e"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("inf", "inf"),
        ("nan", "nan"),
        ("", None),
        ("~", None),
        ("null", None),
        ("'null'", "null"),
        ("''", ""),
        ("NULLS", "NULLS"),
        ("|\n  12", "12"),
        (">\n  true", "true"),
        ("{1: 2, true: no, null: ~}", {"1": 2, "true": "no", "null": None}),
        ("[1, '1', [1.0]]", [1, "1", [1.0]]),
    ],
)
def test_native_values(text, value):
    found = native(only(f"a: {text}").value)
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("12", False),
        ("1.5", False),
        ("-3", False),
        ("007", True),
        ("+1", True),
        ("0xC", True),
        ("1.50", True),
        ("1e3", True),
        (".inf", True),
        ("12345678901234567890.12", True),
    ],
)
def test_a_spelled_number_is_the_number_and_its_text(text, kept):
    (number,) = spelled(only(f"a: [{text}]").value)["a"]
    plain = native(Scalar(text))
    assert (number, hash(number), str(number), f"{number}", repr(number)) == (plain, hash(plain), text, text, text)
    assert json.dumps(number) == json.dumps(plain)
    assert (type(number) is type(plain)) is not kept
    for twin in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):
        assert (twin, str(twin), type(twin)) == (number, text, type(number))


@pytest.mark.parametrize("text", ["true", "'12'", "~", "on", "{1: 2, b: [x, yes]}"])
def test_what_is_no_number_is_spelled_as_it_is_read(text):
    value = only(f"a: {text}").value
    assert spelled(value) == native(value)


def test_not_a_number():
    assert math.isnan(native(only("a: .nan").value)["a"])


def test_scalars_keep_the_authors_text():
    value = only("a: 1e3\nb: '1e3'\nc: yes").value
    assert value == {"a": "1e3", "b": "1e3", "c": "yes"}
    assert [scalar.plain for scalar in value.values()] == [True, False, True]
    assert all(type(key) is str for key in value)


def test_scalars_can_be_copied():
    scalar = Scalar("x", plain=False)
    for twin in (copy.deepcopy(scalar), pickle.loads(pickle.dumps(scalar))):
        assert twin == "x"
        assert twin.plain is False


def test_several_documents():
    documents, problems = load("# a comment\n---\na: 1\n---\n---\nb: 2\n...\n---\n# nothing\n", "a.yaml")
    assert not problems
    assert [document.value for document in documents] == [{"a": "1"}, {"b": "2"}]
    assert [document.position(()) for document in documents] == [(3, 1), (6, 1)]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "---", "---\n---\n", "--- ~"])
def test_nothing(text):
    assert load(text, "a.yaml") == ([], [])


def test_anchors_and_aliases():
    document = only("a: &x {p: [1, 2]}\nb: *x\nc: &y 5\nd: *y\n*y : key")
    assert native(document.value) == {"a": {"p": [1, 2]}, "b": {"p": [1, 2]}, "c": 5, "d": 5, "5": "key"}
    assert document.position(("b",)) == (2, 4)
    # What is wrong inside an alias is mended where the anchor is.
    assert document.position(("b", "p", 1)) == document.position(("a", "p", 1)) == (1, 15)


def test_an_anchor_can_be_set_again_and_ends_with_its_document():
    text = "a: &x 1\nb: &x 2\nc: *x\n---\nd: *x\n"
    documents, problems = load(text, "a.yaml")
    assert documents[0].value == {"a": "1", "b": "2", "c": "2"}
    assert [problem.text() for problem in problems] == [
        "a.yaml:5:4 error[yaml-syntax] alias '*x' names nothing before it; quote text that begins with '*'"
    ]


def test_a_merge_key_is_an_ordinary_key():
    assert only("a: &x {p: 1}\nb: {<<: *x, q: 2}").value["b"] == {"<<": {"p": "1"}, "q": "2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: 1\nb: 2\na: 3",
            "3:1 error[duplicate-key] key 'a' stands here a second time (first on line 1); keep one",
        ),
        ("a: {b: 1, 'b': 2}", "1:11 error[duplicate-key] key 'b' stands here a second time"),
        ("? {x: 1}\n: 2", "1:3 error[yaml-syntax] a key must be text, not a mapping or a list"),
        ("{[1]: 2}", "1:2 error[yaml-syntax] a key must be text"),
        ("a: &x [*x]", "1:8 error[yaml-syntax] alias '*x' stands inside what it names"),
        ("a: &x {b: {*x : 1}}", "1:12 error[yaml-syntax] alias '*x' stands inside what it names"),
        ("a: !!str 5", "1:4 error[yaml-tag] tag 'tag:yaml.org,2002:str' is not allowed; remove it"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "1:4 error[yaml-tag] tag 'tag:yaml.org,2002:python/object",
        ),
        ("where: !x", "1:8 error[yaml-tag] tag '!x' is not allowed"),
        ("- a\n- b", "1:1 error[not-a-mapping] a document must be a mapping, this one is a list"),
        ("text", "1:1 error[not-a-mapping] a document must be a mapping, this one is text"),
        ("a: 1\n  b: 2", "2:4 error[yaml-syntax] mapping values are not allowed in this context; quote text"),
        ("where: a = 'x': y", "error[yaml-syntax] mapping values are not allowed"),
        ("a:\n\t- b", "2:1 error[yaml-syntax] found character that cannot start any token"),
        ("a:\n\t- b", "indent with spaces, not with tabs"),
        ("a: @b", "quote text that begins with '@'"),
        ("a: {b: 1\nc: 2", "error[yaml-syntax]"),
        ("a: 'x\n", "that begins on line 1"),
        ("a: \x00", "1:4 error[yaml-syntax] character '\\x00' is not allowed in YAML"),
        (
            "# a\u2028draft: true",
            "1:4 error[yaml-syntax] character '\\u2028' is not allowed in YAML; write '\\u2028' in double",
        ),
        ("a: 1\nb: \ud800", "2:4 error[yaml-syntax] character '\\ud800' is not allowed in YAML"),
    ],
)
def test_complaints(text, expected):
    (found,) = complaints(text)
    assert found.startswith("a.yaml:")
    assert expected in found
    assert "\n" not in found


def test_a_duplicate_key_keeps_the_first_value():
    documents, problems = load("a: {x: 1}\na: {y: {z: 2}}\nb: 3", "a.yaml")
    assert documents[0].value == {"a": {"x": "1"}, "b": "3"}
    assert documents[0].position(("a", "x")) == (1, 8)
    assert [problem.code for problem in problems] == ["duplicate-key"]


def test_a_syntax_error_ends_its_document_only():
    text = "a: 1\n---\nb: [1\n---\nc: 3\n---\nd: {\n---\ne: 5\n"
    documents, problems = load(text, "a.yaml")
    assert [document.value for document in documents] == [{"a": "1"}, {"c": "3"}, {"e": "5"}]
    assert [document.position(()) for document in documents] == [(1, 1), (5, 1), (9, 1)]
    assert [(problem.code, problem.line) for problem in problems] == [("yaml-syntax", 4), ("yaml-syntax", 8)]


def test_a_syntax_error_beside_the_document_mark_is_told_once():
    documents, problems = load("a: 1\n--- b: 2\n---\nc: 3", "a.yaml")
    assert [document.value for document in documents] == [{"a": "1"}, {"c": "3"}]
    assert [problem.line for problem in problems] == [2]


MIB = 1024 * 1024
LAUGHS = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "more than 100,000 values after alias expansion"),
        ("a: &a '" + "x" * 900_000 + "'\nb: [" + "*a, " * 20_000 + "]", "more than 100,000 values"),
        (
            "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(60)),
            "deeper than 50 levels",
        ),
        ("[" * 100_000, "nested deeper than 50 levels"),
        ("{a: " * 100_000, "nested deeper than 50 levels"),
        ("- " * 100_000, "nested deeper than 50 levels"),
        ("? " * 100_000, "nested deeper than 50 levels"),
        ("\n".join(" " * n + "a:" for n in range(1_000)), "nested deeper than 50 levels"),
        ("a:\n" + "-\n" * 200_000, "more than 100,000 values"),
        ("---\n" * 200_000, "more than 100,000 values"),
        ("".join(f"k{n}: &a{n} 1\n" for n in range(52_000)), "more than 100,000 values"),
        (
            "".join(f"%TAG !t{n}! x\n" for n in range(60_000)) + "---\na: 1",
            "more than 10 lines begin with '%'",
        ),
        ("a: 1\n" * MIB, "larger than 1,024 KiB"),
        ("--- ]\n" * 100_000, "did not find expected node content"),
        ("#" * MIB, None),
        ("a: " + "x" * (MIB - 3), None),
        ("a: |\n" + " \n" * (MIB // 2 - 3), None),
    ],
    ids=lambda value: repr(value[:12]) if value else "fine",
)
def test_bombs(text, message):
    began = time.perf_counter()
    documents, problems = load(text, "a.yaml")
    assert time.perf_counter() - began < 60  # some took minutes once
    assert len(problems) <= 20
    if message:
        assert message in problems[-1].message
    else:
        assert not problems
        assert len(documents) <= 1


def test_levels_up_to_the_limit():
    nested = "[" * 49 + "]" * 49
    assert load(f"a: {nested}", "a.yaml")[1] == []
    assert [problem.code for problem in load(f"a: [{nested}]", "a.yaml")[1]] == ["yaml-too-large"]
    assert load(f"a: &x {nested[1:-1]}\nb: [*x]", "a.yaml")[1] == []
    assert [problem.code for problem in load(f"a: &x {nested}\nb: [*x]", "a.yaml")[1]] == ["yaml-too-large"]


def test_documents_before_a_limit_are_kept():
    documents, problems = load("a: 1\n---\n" + "[" * 100, "a.yaml")
    assert [document.value for document in documents] == [{"a": "1"}]
    assert [problem.code for problem in problems] == ["yaml-too-large"]


def test_without_libyaml(monkeypatch):
    with_libyaml = load(GROUP, "a.yaml")
    monkeypatch.setattr(loading, "_LOADER", yaml.SafeLoader)
    documents, problems = load(GROUP, "a.yaml")
    assert problems == []
    assert documents[0].value == with_libyaml[0][0].value
    assert documents[0].positions == with_libyaml[0][0].positions
    assert [problem.line for problem in load('a: 1\nb: "\\Uffffffff"', "a.yaml")[1]] == [1]
    assert [problem.line for problem in load("a: 1\nb: [1\n---\nc: 1", "a.yaml")[1]] == [3]
    assert load("[" * 100_000, "a.yaml")[1][0].code == "yaml-too-large"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1", []),
        (b"\xef\xbb\xbfa: 1", []),
        (b"a: 1\nb: \xff", ["a.yaml:2:4 error[yaml-syntax] not UTF-8 text; save the file as UTF-8"]),
        ("a: 1".encode("utf-16"), ["a.yaml:1:1 error[yaml-syntax] not UTF-8 text; save the file as UTF-8"]),
        (
            b" " * (MIB + 1),
            ["a.yaml:1:1 error[yaml-too-large] larger than 1,024 KiB; split it into several files"],
        ),
    ],
    ids=["plain", "byte-order-mark", "latin-1", "utf-16", "huge"],
)
def test_read(tmp_path: Path, content, expected):
    (tmp_path / "a.yaml").write_bytes(content)
    documents, problems = read(tmp_path / "a.yaml", "a.yaml")
    assert [problem.text() for problem in problems] == expected
    assert [document.value for document in documents] == ([] if expected else [{"a": "1"}])


def test_read_what_is_not_a_file(tmp_path: Path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    cases = [(tmp_path, "is not a file"), (tmp_path / "b", "does not exist"), (tmp_path / "loop", "")]
    for path, message in cases:
        (problem,) = read(path, "a.yaml")[1]
        assert problem.code == "unreadable-file"
        assert message in problem.message
    assert read(Path("/dev/zero"), "a.yaml")[1][0].message == "is not a file"
    assert read(tmp_path / "a\0b", "a.yaml")[1][0].code == "unreadable-file"


# Characters that mean something in YAML, so that random text gets somewhere.
YAMLISH = st.text(st.one_of(st.sampled_from("\n\n  :-[]{},&*!|>'\"%@#?~ab1\t\\.U"), st.characters()), max_size=200)


@st.composite
def mutations(draw):
    text = GROUP
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 12)))
        put = draw(st.one_of(YAMLISH, st.sampled_from(["---\n", "&a ", "*a", "<<: ", text[begin:end] * 3])))
        text = text[:begin] + put + text[end:]
    return text


@settings(max_examples=1500, deadline=None)
@given(st.one_of(YAMLISH, mutations()))
@example("&a *a")
@example("? *a\n: &a")
@example("{*a : *a}")
@example("--- &a\n--- *a")
@example("%YAML 2.0\n---\na: 1")
@example("a: \x85 \u2028 b:\n- \u2029]")
def test_any_text_gives_documents_or_problems(text):
    documents, problems = load(text, "a.yaml")
    for problem in problems:
        assert isinstance(problem, Problem)
        assert problem.line >= 1
        assert problem.column >= 1
        assert "\n" not in problem.text()
    for document in documents:
        native(document.value)
        assert isinstance(document.value, dict)
        assert all(document.position(path) == position for path, position in document.positions.items())


@settings(max_examples=300, deadline=None)
@given(mutations())
def test_any_text_without_libyaml(text):
    kept, loading._LOADER = loading._LOADER, yaml.SafeLoader
    try:
        load(text, "a.yaml")
    finally:
        loading._LOADER = kept


def test_five_hundred_files_are_quick():
    feature = "  spend_{}: {{aggregate: sum, of: sales_value, windows: [1d, 7d, 30d], where: sales_value > 0}}\n"
    group = (
        "kind: feature_group\nname: g\nversion: 1\nentity: household\nsource: transactions\nevery: 1d\n"
        "start: 2017-01-01\nfeatures:\n" + "".join(feature.format(n) for n in range(10)) + "expectations:\n"
        "  - expect_column_values_to_be_between: {column: spend_0_7d, min_value: 0, severity: critical}\n" * 3
    )
    best = min(timed_load(group, 500) for _ in range(3))
    assert best < 10  # 0.2 s on a quiet machine


def timed_load(text: str, files: int) -> float:
    began = time.perf_counter()
    for _ in range(files):
        load(text, "a.yaml")
    return time.perf_counter() - began
