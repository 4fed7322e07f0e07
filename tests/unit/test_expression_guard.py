"""Attempts to make an expression do more than compute a value of one row. Every one is refused before Spark sees it."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.expressions import (
    FUNCTIONS,
    DataType,
    ExpressionError,
    check,
    parse_aggregate_call,
)

COLUMNS = {
    "a": DataType.parse("int"),
    "b": DataType.parse("double"),
    "s": DataType.parse("string"),
    "t": DataType.parse("timestamp"),
    "d": DataType.parse("date"),
    "flag": DataType.parse("boolean"),
    "arr": DataType.parse("array<int>"),
    "st": DataType.parse("struct<x: int>"),
}

HOSTILE = [
    # code that runs
    "reflect('java.lang.Runtime', 'getRuntime')",
    "REFLECT('java.lang.System', 'exit', 0)",
    "java_method('java.lang.System', 'getenv', 'HOME')",
    "try_reflect('java.lang.Runtime', 'getRuntime')",
    "reflect ('java.lang.System', 'exit', 0)",
    "reflect\n(\n'java.lang.System', 'exit', 0)",
    "coalesce(a, reflect('java.lang.System', 'exit', 0))",
    "case when flag then 1 else java_method('java.lang.System', 'exit', 0) end",
    "`reflect`('java.lang.System', 'exit', 0)",
    "`java_method` ('java.lang.System', 'exit', 0)",
    "system.builtin.reflect('java.lang.System', 'exit', 0)",
    "builtin.abs(a)",
    "sys.fn(a)",
    "spark_catalog.default.f(a)",
    "`spark_catalog`.`default`.`f`(a)",
    "a.abs(a)",
    "st.x.abs(a)",
    "some_udf(a)",
    "call_function('reflect', a)",
    "transform(arr, x -> reflect('java.lang.System', 'exit', 0))",
    # files, secrets, the environment
    "read_files('/etc/passwd')",
    "secret('scope', 'key')",
    "try_secret('scope', 'key')",
    "input_file_name()",
    "'${env:HOME}'",
    "'${spark:spark.master}'",
    "'x${system:user.home}'",
    "${env:HOME}",
    "`${env:HOME}`",
    "'$${env:HOME}'",
    "session_user()",
    "session_user",
    "current_user",
    "user",
    "user()",
    "version()",
    "current_database()",
    "current_catalog()",
    "current_timezone()",
    # another value at another time
    "rand()",
    "randn(1)",
    "random()",
    "uuid()",
    "shuffle(arr)",
    "now()",
    "current_timestamp",
    "CURRENT_TIMESTAMP()",
    "current_date",
    "Current_Date()",
    "localtimestamp",
    "current_time",
    "curdate()",
    "unix_timestamp()",
    "unix_timestamp(t)",
    "monotonically_increasing_id()",
    "spark_partition_id()",
    "date 'now'",
    "timestamp 'now'",
    "timestamp'today'",
    "timestamp_ntz 'yesterday'",
    "timestamp_ltz 'tomorrow'",
    "date'epoch'",
    "date' now '",
    "cast('now' as timestamp)",
    "cast('today' as date)",
    "try_cast('NOW' as timestamp)",
    "cast(' now' as timestamp_ntz)",
    "cast('n' || 'ow' as timestamp)",
    "cast(concat('to', 'day') as date)",
    "cast(lower('NOW') as date)",
    "cast(array('now')[0] as date)",
    "cast(if(true, 'now', 'today') as date)",
    "to_date('now')",
    "to_timestamp('now')",
    "to_timestamp_ntz('today')",
    "try_to_timestamp('now')",
    "to_timestamp(trim(' now '))",
    "from_utc_timestamp('now', 'UTC')",
    "year('now')",
    "date_add('today', 1)",
    "d > 'today'",
    "t between 'yesterday' and 'now'",
    "d in ('today')",
    "datediff(d, 'now')",
    # queries
    "(select 1)",
    "a in (select a from t)",
    "( SELECT max(a) FROM t )",
    "exists (select 1)",
    "exists(select * from t)",
    "a = any (select 1)",
    "a > all (select a from t)",
    "(with x as (select 1) select * from x)",
    "(values (1))",
    "(values 1)",
    "(table t)",
    "(from t select a)",
    "select a",
    "select a from t",
    "a from t",
    "a union select 1",
    "a where flag",
    "a, b",
    "*",
    "t.*",
    "st.*",
    "count(*)",
    "struct(*)",
    # several rows, groups, windows
    "explode(arr)",
    "posexplode(arr)",
    "stack(2, 1, 2)",
    "inline(array(st))",
    "sum(a)",
    "a > avg(a)",
    "count(distinct a)",
    "first(a ignore nulls)",
    "max(a) filter (where flag)",
    "collect_list(a)",
    "percentile_cont(0.5) within group (order by a)",
    "row_number() over (order by a)",
    "sum(a) over ()",
    "lag(a) over (partition by s order by t)",
    "abs(a) over (order by a)",
    "a over w",
    # lambdas, named arguments, parameters
    "filter(arr, x -> x > 1)",
    "aggregate(arr, 0, (x, y) -> x + y)",
    "abs(expr => a)",
    "round(a, scale => 1)",
    ":name",
    "a = :name",
    "?",
    "a = ?",
    "@x",
    "@@version",
    "a::string",
    "parse_json('{}'):x",
    "{fn abs(a)}",
    "{d '2024-01-01'}",
    "{{ a }}",
    "identifier('a')",
    "raise_error('x')",
    "assert_true(flag)",
    "sleep(1000)",
    # comments, hints, statements
    "a -- comment",
    "a --\n + 1",
    "-- a",
    "a /* comment */",
    "/*+ broadcast(t) */ a",
    "a /* /* nested */ */",
    "a */ 1",
    "a--1",
    "a; drop table t",
    "a;",
    ";",
    "a) ; (b",
    "a # comment",
    # strings and names that are not what they seem
    "'a\\'",
    "'a\\' || rand() || '",
    "'\\u0027 || rand() || \\u0027'",
    "r'raw'",
    "R'(x)'",
    "x'1F'",
    "X'1F'",
    "b'1'",
    "e'\\n'",
    "N'x'",
    "'a' 'b'",
    "'a'\n'b'",
    "'a'/**/'b'",
    '"a"',
    '"a" || rand()',
    "s = 'open",
    "'''",
    "`open",
    "``",
    "`a` `b`",
    "`a\u0000`",
    "'a\u0000b'",
    "'a\nb'",
    "'a\u202eb'",
    "'a\u200bb'",
    "'a\ud800b'",
    "\ufeffa",
    "a\u00a0+ 1",
    "a\u2003+\u2003b",
    "\u0430 + 1",  # a Cyrillic letter
    "\uff41 + 1",  # a fullwidth letter
    "re\ufb02ect('x')",  # a ligature
    "r\u0435flect('x')",  # a Cyrillic letter
    "n\u043e\u0301w()",
    "\u212aey",  # Kelvin sign
    "a \u2212 1",
    "a \u2260 1",
    "\u2018a\u2019",
    "`größe`",
    "a\u0085+ 1",
    "a\u2028+ 1",
    "a\x0b+ 1",
    "a\x0c+ 1",
    "a\x00",
    "a\x7f",
    "\\a",
    # words and signs of other syntax
    "a as b",
    "a AS `b`",
    "a b",
    "a 'b'",
    "cast(a as int) as x",
    "cast(a as int, b)",
    "cast(a as reflect('x'))",
    "cast(a as struct<x: int>, 1)",
    "abs(a as b)",
    "a collate utf8_lcase",
    "t at time zone 'UTC'",
    "a is distinct from b",
    "s like any ('a', 'b')",
    "a between symmetric 1 and 2",
    "[a, b]",
    "(a, b)",
    "()",
    "a in ()",
    "a in arr",
    "a[1:2]",
    "a << 1",
    "a >> 1",
    "a |> b",
    "a -> b",
    "!flag",
    "not! flag",
    "a := 1",
    "a ** 2",
    "+a",
    "a ? b : c",
    "a & & b",
    "a . . st",
    "st..x",
    ".a",
    "a.",
    "1a",
    "1_000",
    "0x1F",
    "1.2.3",
    "5.",
    "a.1",
    "distinct a",
    "abs(distinct a)",
    "abs(all a)",
    "interval a days",
    "interval '1 day'",
    "interval 1 day 1 hour",
    "interval '1-2' year to month",
    "interval 1.5 days",
    "if a then b",
    "case",
    "case end",
    "case a end",
    "else",
    "trim(both ' ' from s)",
    "substring(s from 1 for 2)",
    "extract(year from d)",
    "position('a' in s)",
    "timestampadd(day, 1, t)",
    "date_add(day, 1, d)",
    "overlay(s placing 'x' from 1)",
    # too much
    "(" * 21 + "a" + ")" * 21,
    "(" * 5000 + "a",
    ")" * 5000,
    "abs(" * 30 + "a" + ")" * 30,
    "not " * 500 + "flag",
    "- " * 3000 + "a",
    "~" * 3000 + "a",
    "case when flag then " * 50 + "a" + " end" * 50,
    "a in (" * 40 + "a" + ")" * 40,
    "arr[" * 40 + "0" + "]" * 40,
    "+".join(["a"] * 4000),
    "a" * 10_001,
    "'" + "x" * 20_000 + "'",
    "cast(a as " + "array<" * 500 + "int" + ">" * 500 + ")",
    "cast(a as decimal(99999999999999999999, 2))",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:60])
def test_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check(text, COLUMNS)
    error = caught.value
    assert error.code in ("forbidden-expression", "expression-syntax", "expression-type", "unknown-column")
    assert error.offset is None or 0 <= error.offset < max(len(text), 1)
    assert str(error).isprintable()
    assert len(str(error)) < 300


def test_there_are_enough_attempts() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) > 100


NAMED = [
    ("reflect('java.lang.Runtime')", "'reflect' is not allowed: it reaches outside the row"),
    ("rand()", "'rand' is not allowed: it gives another value each time"),
    ("now()", "'now' is not allowed: its value depends on when or where it runs"),
    ("sum(a)", "'sum' is not allowed: it is an aggregate, and an expression works on one row"),
    ("row_number() over ()", "'row_number' is not allowed: it is a window function"),
    ("abs(a) over ()", "'over' is not allowed: it is a window function"),
    ("(select 1)", "subqueries are not allowed"),
    ("a = '1' -- x", "comments are not allowed inside an expression; use a YAML comment"),
    ("my_udf(a)", "'my_udf' is not a function an expression may call"),
    ("rnd(a)", "'rnd' is not a function an expression may call; did you mean 'round'?"),
    ("`abs`(a)", "a function name may not be in backticks"),
    ("x.abs(a)", "'abs' is called by a qualified name"),
    ("\u0430 + 1", "'\u0430' (U+0430) is not allowed outside single quotes"),
    ("'a\u202eb'", "an invisible character (U+202E) is not allowed"),
]


@pytest.mark.parametrize(("text", "message"), NAMED)
def test_the_message_names_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check(text, COLUMNS)
    assert message in str(caught.value)


ALIKE = [
    # what looks dangerous but is only text, a column or arithmetic
    "'-- not a comment'",
    "'/* nor this */'",
    "'a; b'",
    "'reflect(1)'",
    "'$5'",
    "'{x}' || '$'",
    "'it''s'",
    "''''",
    "a - -1",
    "a-(-1)",
    "a*-1",
    "a<-1",
    "a>-1",
    "`a`+`b`",
    "date'2024-01-31'",
    "cast('2024-01-31' as date)",
    "cast(s as date)",
    "to_date(s)",
    "cast(coalesce(s, 'now') as string)",
    "s = 'now'",
]


@pytest.mark.parametrize("text", ALIKE)
def test_accepted(text: str) -> None:
    assert check(text, COLUMNS).text == text


_PIECES = [
    *FUNCTIONS,
    *COLUMNS,
    *(
        "reflect",
        "sum",
        "rand",
        "select",
        "from",
        "over",
        "cast",
        "try_cast",
        "as",
        "int",
        "decimal(10,2)",
        "array<int>",
    ),
    *(
        "and",
        "or",
        "not",
        "is",
        "null",
        "true",
        "in",
        "between",
        "like",
        "escape",
        "case",
        "when",
        "then",
        "else",
        "end",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "+",
        "-",
        "*",
        "/",
        "%",
        "||",
        "&",
        "|",
        "^",
        "~",
        "=",
        "<>",
        "<",
        "<=>",
        "->",
        "=>",
    ),
    *(
        "--",
        "/*",
        "*/",
        ";",
        "$",
        "{",
        "}",
        "@",
        ":",
        "?",
        "\\",
        '"',
        "'",
        "`",
        "!",
        "#",
        "\n",
        "\x00",
        "é",
        "\u202e",
    ),
    *(
        "1",
        "2.5",
        "1e3",
        "5L",
        "'x'",
        "''",
        "`a`",
        "date'2024-01-31'",
        "interval 1 day",
        "timestamp 'now'",
        "${env:HOME}",
    ),
]


def refusal(read: Callable[[], object]) -> ExpressionError | None:
    """The error of a reading, if it has one; any other exception is a bug."""
    try:
        read()
    except ExpressionError as error:
        return error
    return None


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=25).map(" ".join)))
@example("'" * 4999)
@example("a.b.c.d.e.f.g.h")
def test_any_text_is_checked_or_refused(text: str) -> None:
    for read in (lambda: check(text, COLUMNS), lambda: parse_aggregate_call(text)):
        error = refusal(read)
        assert error is None or error.offset is None or 0 <= error.offset <= len(text)


NOT_CALLED = {
    "in",
    "and",
    "or",
    "not",
    "when",
    "then",
    "else",
    "case",
    "between",
    "like",
    "ilike",
    "rlike",
    "div",
    "is",
}


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join), st.integers(0, 60), st.sampled_from(_PIECES))
def test_no_function_slips_through_whatever_stands_around_it(text: str, at: int, piece: str) -> None:
    """Whatever is accepted calls only listed functions, whichever way its text is cut."""
    try:
        canonical = check(f"{text[:at]}{piece}{text[at:]}", COLUMNS).canonical
    except ExpressionError:
        return
    called = {word for word, after in pairwise(canonical.split(" ")) if after == "(" and word[0].isalpha()}
    assert called <= {*FUNCTIONS, "cast", "try_cast"} | NOT_CALLED
