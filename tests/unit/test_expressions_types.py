"""Types: their text, what they are good for, which widen to which, and where two meet."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.expressions import DataType, common_type, quote_identifier


def t(text: str) -> DataType:
    return DataType.parse(text)


SPELLINGS = [
    # what is written, what it is
    ("BIGINT", "bigint"),
    (" long ", "bigint"),
    ("integer", "int"),
    ("byte", "tinyint"),
    ("short", "smallint"),
    ("real", "float"),
    ("timestamp_ltz", "timestamp"),
    ("decimal", "decimal(10,0)"),
    ("numeric ( 12 )", "decimal(12,0)"),
    ("DEC(38, 38)", "decimal(38,38)"),
    ("Array< Map<string, int> >", "array<map<string,int>>"),
    ("struct<a: int, B string, `c d`:struct<>>", "struct<a:int,B:string,`c d`:struct<>>"),
    ("struct<`a``b`: int>", "struct<`a``b`:int>"),
]


@pytest.mark.parametrize(("text", "sql"), SPELLINGS)
def test_spellings(text: str, sql: str) -> None:
    assert t(text).sql() == sql
    assert t(sql) == t(text)


NO_TYPES = [
    ("", "a type is missing"),
    ("strng", "unknown type 'strng'; did you mean 'string'?"),
    ("int64", "did you mean 'bigint'?"),
    ("varchar(10)", "did you mean 'string'?"),
    ("datetime", "did you mean 'timestamp_ntz'?"),
    ("qqqq", "known types: boolean, tinyint"),
    ("void", "unknown type 'void'"),
    ("interval day", "unknown type 'interval'"),
    ("decimal(39)", "the precision is 1 to 38"),
    ("decimal(5,6)", "the scale not above it"),
    ("decimal(0)", "the precision is 1 to 38"),
    ("decimal(10,2", "')' is missing"),
    ("decimal(a)", "'a' should be a number"),
    ("decimal(99999)", "should be a number"),
    ("array", "'<' is missing"),
    ("array<int", "'>' is missing"),
    ("map<int>", "',' is missing"),
    ("struct<a:int,A:int>", "has the field 'A' twice"),
    ("int int", "unexpected 'int'"),
    ("int; drop", "unexpected ';'"),
    ("array<" * 30 + "int" + ">" * 30, "nested 20 levels deep at most"),
]


@pytest.mark.parametrize(("text", "message"), NO_TYPES)
def test_what_is_no_type(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        t(text)


@given(st.one_of(st.text(max_size=40), st.text(alphabet="<>(),:` intarydeml103", max_size=40)))
def test_any_text_is_a_type_or_a_value_error(text: str) -> None:
    try:
        kind = t(text)
    except ValueError:
        return
    assert t(kind.sql()) == kind


PROPERTIES = [
    # type, the properties that hold
    ("boolean", {"is_orderable", "is_hashable", "is_storable"}),
    ("tinyint", {"is_numeric", "is_integral", "is_orderable", "is_hashable", "is_storable"}),
    ("bigint", {"is_numeric", "is_integral", "is_orderable", "is_hashable", "is_storable"}),
    ("float", {"is_numeric", "is_fractional", "is_floating", "is_orderable", "is_hashable", "is_storable"}),
    (
        "decimal(5,2)",
        {"is_numeric", "is_fractional", "is_decimal", "is_orderable", "is_hashable", "is_storable"},
    ),
    ("date", {"is_time", "is_orderable", "is_hashable", "is_storable"}),
    ("timestamp_ntz", {"is_time", "is_orderable", "is_hashable", "is_storable"}),
    ("binary", {"is_orderable", "is_hashable", "is_storable"}),
    ("array<int>", {"is_nested", "is_orderable", "is_hashable", "is_storable"}),
    ("map<string,int>", {"is_nested", "is_storable"}),
    ("array<struct<a:map<int,int>>>", {"is_nested", "is_storable"}),
]


@pytest.mark.parametrize(("text", "holds"), PROPERTIES)
def test_properties(text: str, holds: set[str]) -> None:
    names = [name for name in dir(DataType) if name.startswith("is_")]
    assert {name for name in names if getattr(t(text), name)} == holds


WIDENINGS = [
    # from, to, lossless, least common type
    ("int", "int", True, "int"),
    ("tinyint", "bigint", True, "bigint"),
    ("bigint", "int", False, "bigint"),
    ("int", "double", True, "double"),
    ("bigint", "double", False, "double"),
    ("smallint", "float", True, "double"),
    ("int", "float", False, "double"),
    ("float", "double", True, "double"),
    ("int", "decimal(10,0)", True, "decimal(10,0)"),
    ("int", "decimal(10,2)", False, "decimal(12,2)"),
    ("decimal(10,2)", "decimal(12,3)", True, "decimal(12,3)"),
    ("decimal(10,2)", "decimal(10,3)", False, "decimal(11,3)"),
    ("decimal(38,18)", "decimal(38,0)", False, "decimal(38,0)"),
    ("decimal(38,18)", "bigint", False, "decimal(38,18)"),
    ("decimal(10,2)", "double", False, "double"),
    ("date", "timestamp_ntz", True, "timestamp_ntz"),
    ("date", "timestamp", False, "timestamp"),
    ("timestamp", "timestamp_ntz", False, "timestamp"),
    ("string", "int", False, None),
    ("string", "date", False, None),
    ("boolean", "int", False, None),
    ("array<int>", "array<bigint>", True, "array<bigint>"),
    ("array<int>", "int", False, None),
    ("map<int,int>", "map<int,bigint>", True, "map<int,bigint>"),
    ("struct<a:int>", "struct<A:bigint>", True, "struct<a:bigint>"),
    ("struct<a:int>", "struct<b:int>", False, None),
]


@pytest.mark.parametrize(("source", "target", "widens", "common"), WIDENINGS)
def test_widening(source: str, target: str, widens: bool, common: str | None) -> None:
    assert t(source).can_widen_to(t(target)) is widens
    found = common_type(t(source), t(target))
    assert (found and found.sql()) == common


@pytest.mark.parametrize(
    ("name", "quoted"), [("a", "`a`"), ("a b", "`a b`"), ("a`b", "`a``b`"), ("` + x + `", "``` + x + ```")]
)
def test_quoting_a_name(name: str, quoted: str) -> None:
    assert quote_identifier(name) == quoted
