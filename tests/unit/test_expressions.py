"""Expressions that are accepted, with their types, and those that are not, with the message a person gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.expressions import (
    FUNCTIONS,
    AggregateCall,
    DataType,
    ExpressionError,
    check,
    check_condition,
    parse_aggregate_call,
)
from headrace.expressions.forbidden import CALLED_WITHOUT_PARENTHESES, FORBIDDEN, HINTS

COLUMNS = {
    name: DataType.parse(kind)
    for name, kind in {
        "household_id": "bigint",
        "Sales_Value": "double",
        "quantity": "int",
        "price": "decimal(10,2)",
        "department": "string",
        "bought_at": "timestamp",
        "local_time": "timestamp_ntz",
        "day": "date",
        "in_store": "boolean",
        "tags": "array<string>",
        "attributes": "map<string,double>",
        "rates": "map<decimal(10,2),string>",
        "levels": "map<double,string>",
        "prices": "array<decimal(10,2)>",
        "ratios": "array<double>",
        "notes": "array<map<string,int>>",
        "address": "struct<City: string, geo: struct<lat: double>>",
        "spend 7d": "double",
        "end": "int",
        "user": "string",
    }.items()
}

ACCEPTED = [
    # expression, type, columns
    ("quantity + 1", "int", {"quantity"}),
    ("quantity / 2", "double", {"quantity"}),
    ("quantity div 2", "bigint", {"quantity"}),
    ("price * quantity", "decimal(21,2)", {"price", "quantity"}),
    ("price * 2", "decimal(12,2)", {"price"}),
    ("sales_value / nullif(quantity, 0)", "double", {"Sales_Value", "quantity"}),
    ("SALES_VALUE > 0 AND NOT in_store", "boolean", {"Sales_Value", "in_store"}),
    ("`spend 7d` * 2", "double", {"spend 7d"}),
    ("`end` - 1", "int", {"end"}),
    ("upper(user)", "string", {"user"}),
    ("department in ('DELI', 'it''s') or department is null", "boolean", {"department"}),
    ("department not like 'A%' and department ilike '%x!%' escape '!'", "boolean", {"department"}),
    ("department rlike '^[0-9]+$'", "boolean", {"department"}),
    ("quantity not between 1 and 10", "boolean", {"quantity"}),
    ("in_store is not true", "boolean", {"in_store"}),
    ("not (in_store) and (not in_store is null)", "boolean", {"in_store"}),
    ("department not\nrlike 'a' or department not ilike 'b'", "boolean", {"department"}),
    ("case (quantity) when (1) then (2) else case when in_store then - 3 end end", "int", {"quantity", "in_store"}),
    ("quantity <=> null", "boolean", {"quantity"}),
    ("case when quantity > 10 then 'many' when quantity > 1 then 'some' end", "string", {"quantity"}),
    ("case department when 'DELI' then 1 else 2.5 end", "decimal(11,1)", {"department"}),
    ("if(in_store, price, 0)", "decimal(12,2)", {"in_store", "price"}),
    ("coalesce(null, quantity, 0)", "int", {"quantity"}),
    ("cast(department as decimal(10, 2))", "decimal(10,2)", {"department"}),
    ("try_cast(tags as array<int>)", "array<int>", {"tags"}),
    ("cast(null as double)", "double", set()),
    ("tags[0] || '-' || cast(quantity as string)", "string", {"tags", "quantity"}),
    ("attributes['weight'] + element_at(attributes, 'size')", "double", {"attributes"}),
    ("address.city", "string", {"address"}),
    ("Address.Geo.Lat * 2", "double", {"address"}),
    ("bought_at - interval '7' days", "timestamp", {"bought_at"}),
    ("bought_at - interval-1 day > bought_at", "boolean", {"bought_at"}),
    ("bought_at - INTERVAL+ 1\nDAYS > bought_at", "boolean", {"bought_at"}),
    ("bought_at > timestamp'2024-01-31T10:00:00Z'", "boolean", {"bought_at"}),
    ("bought_at >= '2024-01-31'", "boolean", {"bought_at"}),
    ("local_time < '2024-01-31 10:00:00.5'", "boolean", {"local_time"}),
    ("day + 1", "date", {"day"}),
    ("day + interval 1 hour", "timestamp", {"day"}),
    ("datediff(day, date'2024-01-31')", "int", {"day"}),
    ("date_format(bought_at, 'EEE d.M.yyyy ''Week'' Q')", "string", {"bought_at"}),
    ("date_format(bought_at, department)", "string", {"bought_at", "department"}),
    ("to_date(department, 'dd.MM.yyyy ''E''')", "date", {"department"}),
    ("from_utc_timestamp(bought_at, 'America/New_York')", "timestamp", {"bought_at"}),
    (
        "from_utc_timestamp(bought_at, '+1:00') > to_utc_timestamp(local_time, 'PST')",
        "boolean",
        {"bought_at", "local_time"},
    ),
    ("to_utc_timestamp(bought_at, 'UTC+02:00')", "timestamp", {"bought_at"}),
    ("regexp_extract(department, '(?<year>[0-9]{4})-([0-9]+)')", "string", {"department"}),
    ("regexp_extract(department, '[0-9]+', 0)", "string", {"department"}),
    ("regexp_extract(department, '[0-9]+', quantity)", "string", {"department", "quantity"}),
    ("regexp_extract(department, user)", "string", {"department", "user"}),
    ("split(department, '[|]')[0]", "string", {"department"}),
    ("department rlike '(?i)^a[a-z&&[^b]]*+$'", "boolean", {"department"}),
    ("department like '[('", "boolean", {"department"}),
    ("bought_at - local_time < interval 2 hours", "boolean", {"bought_at", "local_time"}),
    ("unix_micros(bought_at) % 86400000000", "bigint", {"bought_at"}),
    ("round(price, 1)", "decimal(10,1)", {"price"}),
    ("round(price, -1Y)", "decimal(9,0)", {"price"}),
    ("element_at(rates, price)", "string", {"rates", "price"}),
    ("element_at(rates, null)", "string", {"rates"}),
    ("element_at(levels, quantity)", "string", {"levels", "quantity"}),
    ("map_contains_key(rates, price)", "boolean", {"rates", "price"}),
    ("array_contains(prices, price)", "boolean", {"prices", "price"}),
    ("array_contains(ratios, 1)", "boolean", {"ratios"}),
    ("sort_array(prices, false)", "array<decimal(10,2)>", {"prices"}),
    ("array_append(notes, notes[0])", "array<map<string,int>>", {"notes"}),
    ("- 128Y", "tinyint", set()),
    ("-9223372036854775808", "bigint", set()),
    ("1.5e3BD", "decimal(4,0)", set()),
    (".5", "decimal(1,1)", set()),
    ("'größe 🚚'", "string", set()),
    ("array(1, 2)[0]", "int", set()),
    ("quantity\n\t + 1\r\n", "int", {"quantity"}),
]


@pytest.mark.parametrize(("text", "kind", "columns"), ACCEPTED)
def test_accepted(text: str, kind: str, columns: set[str]) -> None:
    checked = check(text, COLUMNS)
    assert (checked.type.sql(), checked.columns, checked.text) == (kind, columns, text)


REJECTED = [
    # expression, code, offset, what a person reads
    ("sale_value + 1", "unknown-column", 0, "'sale_value' is not a column; did you mean 'Sales_Value'?"),
    ("1 + nothing_like_it", "unknown-column", 4, "'nothing_like_it' is not a column"),
    (
        "address.town",
        "unknown-column",
        8,
        "'town' is not a field of struct<City:string,geo:struct<lat:double>>",
    ),
    ("address.cty", "unknown-column", 8, "did you mean 'City'?"),
    ("department.x", "unknown-column", 11, "'x' is not a field: string is no struct"),
    ("attributes.weight", "unknown-column", 11, "write column['weight']"),
    ("", "expression-syntax", 0, "the expression is empty"),
    ("quantity +", "expression-syntax", 9, "something is missing around '+'"),
    ("quantity quantity", "expression-syntax", 9, "'quantity' is not expected after 'quantity'"),
    ("(quantity", "expression-syntax", 0, "'(' has no ')'"),
    ("quantity)", "expression-syntax", 8, "')' closes nothing"),
    ("tags[0)", "expression-syntax", 6, "')' closes nothing"),
    ("case when in_store then 1", "expression-syntax", 0, "'case' has no 'end'"),
    ("coalesce(quantity,,1)", "expression-syntax", 18, "nothing between two separators"),
    ("end + 1", "expression-syntax", 0, "'end' closes nothing; a column of that name goes in backticks"),
    ("quantity then 1", "expression-syntax", 9, "a column of that name goes in backticks"),
    ("quantity not null", "expression-syntax", 9, "'not' is not expected after 'quantity'; write x is not null"),
    ("quantity not is null", "expression-syntax", 9, "'not' is not expected after 'quantity'; write x is not null"),
    ("(quantity) not\nnull", "expression-syntax", 11, "'not' is not expected after ')'"),
    ("case when in_store 1 else 0 end", "expression-syntax", 19, "'1' is not expected after 'in_store'"),
    ("case when quantity > 0 quantity end", "expression-syntax", 23, "'quantity' is not expected after '0'"),
    ("case when in_store case when in_store then 1 end end", "expression-syntax", 19, "'case' is not expected"),
    ("case quantity when 1 (2) end", "expression-syntax", 21, "'(' is not expected after '1'"),
    ("quantity between 1 5", "expression-syntax", 19, "'5' is not expected after '1'"),
    ("in_store between true null", "expression-syntax", 22, "'null' is not expected after 'true'"),
    ("cast(quantity, as int)", "expression-syntax", 18, "there is no value before 'as int'"),
    ("cast(as int)", "expression-syntax", 8, "there is no value before 'as int'"),
    ("interval 1 day 2 hours", "expression-syntax", 15, "'2' is not expected"),
    ("bought_at + interval quantity days", "expression-syntax", 12, "a number and one unit"),
    ("quantity = 1 in (true)", "expression-syntax", 11, "put parentheses"),
    ("'a' || quantity + 1", "expression-syntax", 7, "put parentheses"),
    ("quantity | 1 & 2", "expression-syntax", 0, "put parentheses"),
    ("quantity is 1", "expression-syntax", 0, "`is` takes null, true or false"),
    ("cast(quantity, int)", "expression-syntax", 0, "cast is written cast(x as type)"),
    (
        "date'2024-02-30'",
        "expression-syntax",
        0,
        "'2024-02-30' is not a date; write it like date'2024-01-31'",
    ),
    ("date 'today'", "expression-syntax", 0, "'today' is not a date"),
    ("timestamp_ntz'2024-01-31T10:00:00Z'", "expression-syntax", 0, "is not a timestamp_ntz"),
    ("department + 1", "expression-type", 0, "`+` does not take string and int; join text with ||"),
    (
        "department = 1",
        "expression-type",
        0,
        "`=` does not compare string and int; cast the string: cast(x as int)",
    ),
    ("quantity = '1'", "expression-type", 0, "cast the string"),
    ("day = '31.01.2024'", "expression-type", 0, "write the constant as date'2024-01-31'"),
    ("quantity = null", "expression-type", 0, "`=` with null is never true; write x is null"),
    ("quantity + null", "expression-type", 0, "write cast(null as double)"),
    ("not quantity", "expression-type", 4, "`not` needs a boolean, not int"),
    ("quantity and in_store", "expression-type", 0, "`and` needs booleans, not int"),
    ("case when quantity then 1 end", "expression-type", 10, "a condition after `when` is boolean, not int"),
    ("case when in_store then 1 else 'x' end", "expression-type", 10, "the branches of a case need one type"),
    ("coalesce(quantity, 'x')", "expression-type", 19, "argument 2 of coalesce: string does not go with int"),
    (
        "round(price, quantity)",
        "expression-type",
        13,
        "argument 2 of round: an int written out is needed",
    ),
    ("round(price, 2L)", "expression-type", 13, "argument 2 of round: an int written out is needed, not bigint"),
    ("bround(price, 5000000000)", "expression-type", 14, "argument 2 of bround: an int written out is needed"),
    ("element_at(rates, 1.5)", "expression-type", 18, "a key of this map is decimal(10,2), not decimal(2,1)"),
    ("try_element_at(rates, 1)", "expression-type", 22, "a key of this map is decimal(10,2), not int"),
    ("element_at(levels, 1.5)", "expression-type", 19, "a key of this map is double, not decimal(2,1)"),
    ("map_contains_key(rates, 1.5)", "expression-type", 24, "a key of this map is decimal(10,2), not decimal(2,1)"),
    ("map_contains_key(levels, 1.5)", "expression-type", 25, "a key of this map is double, not decimal(2,1)"),
    ("array_contains(ratios, 1.5)", "expression-type", 23, "an element of this array is double, not decimal(2,1)"),
    (
        "array_append(array(prices), array(1.5))",
        "expression-type",
        28,
        "an element of this array is array<decimal(10,2)>",
    ),
    ("sort_array(notes)", "expression-type", 11, "an array without a map in it is needed, not array<map<string,int>>"),
    ("array_distinct(notes)", "expression-type", 15, "an array without a map in it is needed"),
    ("array_contains(notes, notes[0])", "expression-type", 15, "an array without a map in it is needed"),
    ("array_remove(notes, notes[0])", "expression-type", 13, "an array without a map in it is needed"),
    ("array_max(notes)", "expression-type", 10, "map<string,int> has no order"),
    ("round(price, 1, 2)", "expression-type", 0, "round takes 1 to 2 arguments, not 3"),
    ("abs()", "expression-type", 0, "abs takes 1 argument, not 0"),
    ("upper(quantity)", "expression-type", 6, "the argument of upper: a string is needed, not int"),
    (
        "date_add(day, household_id)",
        "expression-type",
        14,
        "argument 2 of date_add: an int is needed, not bigint",
    ),
    (
        "date_format(day, 'YYYY-MM-dd')",
        "expression-type",
        17,
        "the letter Y counts by weeks, which Spark refuses; write yyyy",
    ),
    ("date_format(day, '''Y''-w')", "expression-type", 17, "the letter w counts by weeks, which Spark refuses"),
    ("date_format(day, 'yyyy-MM-dd A')", "expression-type", 17, "the letter A means nothing in Spark"),
    ("date_format(day, 'MMMMM')", "expression-type", 17, "there are too many M in a row"),
    ("to_date(department, 'E dd.MM.yyyy')", "expression-type", 20, "the letter E can be written, not read"),
    ("try_to_timestamp(department, 'YYYY')", "expression-type", 29, "the letter Y counts by weeks"),
    (
        "from_utc_timestamp(bought_at, 'Europe/Berln')",
        "expression-type",
        30,
        "'Europe/Berln' can never work: use an IANA name",
    ),
    (
        "to_utc_timestamp(bought_at, 'Europe')",
        "expression-type",
        28,
        "argument 2 of to_utc_timestamp: 'Europe' can never",
    ),
    ("to_utc_timestamp(bought_at, '../x')", "expression-type", 28, "use an IANA name such as Europe/Berlin or UTC"),
    ("regexp_like(department, '[')", "expression-type", 24, "'[' can never work: unterminated character set"),
    ("regexp_replace(department, '(a', '')", "expression-type", 27, "missing ), unterminated subpattern"),
    ("regexp_count(department, 'a)')", "expression-type", 25, "unbalanced parenthesis"),
    ("split(department, '*')", "expression-type", 18, "'*' can never work: nothing to repeat"),
    ("department rlike '(a'", "expression-type", 17, "'(a' is not a regular expression: missing )"),
    ("department not rlike '['", "expression-type", 21, "'[' is not a regular expression"),
    (
        "regexp_extract(department, '[0-9]+')",
        "expression-type",
        27,
        "the pattern has no groups, and group 1 is asked for",
    ),
    ("regexp_extract(department, '(a)(?:b)', 2)", "expression-type", 39, "has 1 group, and group 2 is asked for"),
    ("regexp_extract(department, '(a)', -1)", "expression-type", 35, "group -1 is asked for; 0 is the whole match"),
    ("date_trunc('dya', bought_at)", "expression-type", 11, "not 'dya'"),
    ("tags['x']", "expression-type", 0, "the index of an array is a whole number, not string"),
    ("department[0]", "expression-type", 0, "square brackets need an array or a map, not string"),
    ("cast(day as int)", "expression-type", 0, "date cannot be cast to int"),
    ("cast(day as strng)", "expression-type", 12, "unknown type 'strng'; did you mean 'string'?"),
    ("bought_at - local_time", "expression-type", None, "the result is an interval day to second"),
    ("null", "expression-type", None, "null alone has no type"),
    ("array(null)", "expression-type", None, "null alone has no type"),
    ("128Y", "expression-type", 0, "the number 128Y is out of range"),
    ("1e999", "expression-type", 0, "out of range"),
    ("1e9999999999999999999999BD", "expression-type", 0, "out of range"),
    ("1e-9999999999999999999999BD", "expression-type", 0, "out of range"),
    ("9" * 5000, "expression-type", 0, "out of range"),
    ("9" * 5000 + "L", "expression-type", 0, "out of range"),
    ("quantity > .5L", "expression-syntax", 11, "'.' needs a value before it and a name after it"),
    ("quantity > .5S", "expression-syntax", 11, "'.' needs a value before it and a name after it"),
    ("quantity > .1Y", "expression-syntax", 11, "'.' needs a value before it and a name after it"),
    ("quantity > . 5", "expression-syntax", 11, "'.' needs a value before it and a name after it"),
    (". .5", "expression-syntax", 0, "'.' needs a value before it and a name after it"),
    ("colesce(quantity, 0)", "forbidden-expression", 0, "did you mean 'coalesce'?"),
    ("2 * sum(quantity)", "forbidden-expression", 4, "'sum' is not allowed: it is an aggregate"),
    ("int(department)", "forbidden-expression", 0, "write cast(x as int)"),
    ("unix_timestamp(bought_at)", "forbidden-expression", 0, "write unix_seconds(x)"),
    ('department = "DELI"', "forbidden-expression", 13, "put text in single quotes"),
    ("quantity as n", "forbidden-expression", 9, "an alias (`as`) is not allowed"),
    ("quantity::string", "forbidden-expression", 8, "cast with cast(x as type)"),
    ("cast('now' as timestamp)", "forbidden-expression", 0, "only when it is an ISO date or time"),
]


@pytest.mark.parametrize(("text", "code", "offset", "message"), REJECTED)
def test_rejected(text: str, code: str, offset: int | None, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check(text, COLUMNS)
    assert (caught.value.code, caught.value.offset) == (code, offset)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_condition_is_boolean() -> None:
    assert check_condition("quantity > 0", COLUMNS).columns == {"quantity"}
    with pytest.raises(ExpressionError, match="a condition is boolean, not int"):
        check_condition("quantity", COLUMNS)


def test_columns_that_differ_only_in_case_are_ambiguous() -> None:
    with pytest.raises(ExpressionError, match="'total' could be any of Total, TOTAL"):
        check("total", {"Total": DataType.parse("int"), "TOTAL": DataType.parse("int")})


SAME = [
    ("quantity+1", "  QUANTITY\n + 1 "),
    ("quantity + 1", "`quantity` + 1"),
    ("COALESCE(Quantity,0)", "coalesce( quantity , 0 )"),
    ("quantity != 1", "quantity <> 1"),
    ("quantity == 1", "quantity = 1"),
    ("cast(quantity as bigint)", "CAST(quantity AS LONG)"),
    ("bought_at - interval 7 days", "bought_at - INTERVAL '7' DAY"),
    ("bought_at - interval-7 days", "bought_at - interval - 7 day"),
    ("bought_at - interval+7 days", "bought_at - interval'7'day"),
    ("day > DATE '2024-01-31'", "day > date'2024-01-31'"),
    ("1E3", "1e3"),
]
DIFFERENT = [
    ("department = 'a'", "department = 'A'"),
    ("department = 'a  b'", "department = 'a b'"),
    ("`spend 7d`", "'spend 7d'"),
    ("quantity + 1", "1 + quantity"),
    ("1", "1L"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_canonical_text_of_the_same_is_the_same(one: str, other: str) -> None:
    assert check(one, COLUMNS).canonical == check(other, COLUMNS).canonical


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_the_canonical_text_of_another_is_another(one: str, other: str) -> None:
    assert check(one, COLUMNS).canonical != check(other, COLUMNS).canonical


@pytest.mark.parametrize("text", [text for text, _, _ in ACCEPTED])
def test_the_canonical_text_means_the_same(text: str) -> None:
    checked = check(text, COLUMNS)
    again = check(checked.canonical, COLUMNS)
    assert (again.type, again.columns, again.canonical) == (checked.type, checked.columns, checked.canonical)


CALLS = [
    ("sum(sales_value)", AggregateCall("sum", "sales_value", 4)),
    ("COUNT( * )", AggregateCall("count", None, 7)),
    (" max( coalesce(a, (b)) + 1 ) ", AggregateCall("max", "coalesce(a, (b)) + 1", 6)),
]
NO_CALLS = [
    ("sum", "this is not the call of an aggregate"),
    ("", "this is not the call of an aggregate"),
    ("`sum`(a)", "this is not the call of an aggregate"),
    ("sum()", "the aggregate has no argument"),
    ("sum(a", "the aggregate's call is not closed"),
    ("sum(a]", "the aggregate's call is not closed"),
    ("sum(a) + 1", "'+' follows the aggregate's call"),
    ("sum(a) || (b)", "'||' follows the aggregate's call"),
    ("sum(a, b)", "an aggregate takes one argument"),
    ("count(distinct a)", "use count_distinct(x)"),
    ("sum(a) -- all", "comments are not allowed"),
]


@pytest.mark.parametrize(("text", "call"), CALLS)
def test_aggregate_calls(text: str, call: AggregateCall) -> None:
    assert parse_aggregate_call(text) == call


@pytest.mark.parametrize(("text", "message"), NO_CALLS)
def test_what_is_no_aggregate_call(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_aggregate_call(text)
    assert message in str(caught.value)


def test_the_lists_of_functions_do_not_contradict_each_other() -> None:
    assert not FUNCTIONS.keys() & FORBIDDEN.keys()
    assert not FUNCTIONS.keys() & HINTS.keys()
    assert FORBIDDEN.keys() >= CALLED_WITHOUT_PARENTHESES


@pytest.mark.parametrize("name", sorted(CALLED_WITHOUT_PARENTHESES))
def test_a_word_that_spark_calls_is_a_column_where_there_is_one(name: str) -> None:
    assert check(name, {name: DataType.parse("int")}).columns == {name}
    with pytest.raises(ExpressionError, match=f"'{name}' is not allowed"):
        check(name, {"other": DataType.parse("int")})


@given(st.text(alphabet="()[]", max_size=200), st.integers(0, 60))
def test_nesting_never_overflows(brackets: str, depth: int) -> None:
    for text in (brackets, "(" * depth + "1" + ")" * depth, "not " * depth + "true", "- " * depth + "1"):
        try:
            checked = check(text, {})
        except ExpressionError:
            continue
        assert checked.text == text


def test_long_chains_are_fine_up_to_the_limit() -> None:
    assert check(" + ".join(["quantity"] * 200), COLUMNS).type.sql() == "int"
    assert check(" and ".join(["in_store"] * 700), COLUMNS).type.sql() == "boolean"
    assert check(f"quantity in ({', '.join(map(str, range(1500)))})", COLUMNS).type.sql() == "boolean"
    with pytest.raises(ExpressionError, match="201 operators; 200 are allowed"):
        check(" + ".join(["quantity"] * 202), COLUMNS)
