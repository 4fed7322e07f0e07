"""What `check` says of an expression is what Spark's analyser says: every function, every operator, random compositions.

Only schemas are looked at, no job runs; many expressions share one `select`, which makes analysing them cheap.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlglot import exp

from headrace.expressions import FUNCTIONS, DataType, ExpressionError, check
from headrace.expressions.grammar import parse
from headrace.expressions.lexer import lex

COLUMNS = {
    "b": "boolean",
    "t": "tinyint",
    "s": "smallint",
    "i": "int",
    "l": "bigint",
    "f": "float",
    "d": "double",
    "p": "decimal(10,2)",
    "wide": "decimal(38,18)",
    "whole": "decimal(5,0)",
    "c": "string",
    "y": "binary",
    "day": "date",
    "ts": "timestamp",
    "ntz": "timestamp_ntz",
    "ai": "array<int>",
    "ac": "array<string>",
    "aa": "array<array<int>>",
    "ap": "array<decimal(10,2)>",
    "ad": "array<double>",
    "am": "array<map<string,int>>",
    "m": "map<string,int>",
    "ml": "map<bigint,double>",
    "md": "map<double,string>",
    "mp": "map<decimal(10,2),string>",
    "st": "struct<x:int,z:string>",
}
TYPES = {name: DataType.parse(kind) for name, kind in COLUMNS.items()}
CONSTANTS = [
    *(
        "1",
        "-7",
        "100L",
        "3Y",
        "7S",
        "2.5",
        "-0.01",
        "1e3",
        "1.5F",
        "2BD",
        "12345678901234567890",
        "true",
        "null",
    ),
    *(
        "'x'",
        "'2024-01-31'",
        "date'2024-01-31'",
        "timestamp'2024-01-31'",
        "timestamp_ntz'2024-01-31T10:00:00'",
    ),
    *(
        "interval 1 day",
        "interval '2' hours",
        "interval 3 months",
        "interval 1 year",
        "(ts - ntz)",
        "(day - day)",
    ),
]
OPERANDS = [*COLUMNS, *CONSTANTS]
# What functions want written out: units, digits, flags.
WORDS = ["'year'", "'day'", "'mon'", "1", "2", "-1", "true", "null", "'2024-01-31'", "'x'"]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """An empty table with one column of each type."""
    return spark.createDataFrame([], ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items()))


def spark_types(rows: DataFrame, texts: Sequence[str]) -> list[str]:
    """The type Spark gives each expression, or its error; a select that fails is halved until the culprit is alone."""
    try:
        frame = rows.select(*[F.expr(text).alias(f"c{number}") for number, text in enumerate(texts)])
        return [field.dataType.simpleString() for field in frame.schema.fields]
    except PySparkException as error:
        if len(texts) == 1:
            return [str(error).split("\n")[0]]
        half = len(texts) // 2
        return spark_types(rows, texts[:half]) + spark_types(rows, texts[half:])


def accepted(texts: Iterable[str]) -> dict[str, str]:
    """The type of every expression that `check` accepts."""
    found = {}
    for text in texts:
        try:
            found[text] = check(text, TYPES).type.sql()
        except ExpressionError:
            continue
    return found


def assert_same_types(rows: DataFrame, texts: Iterable[str], at_least: int = 1) -> None:
    """Every expression that is accepted has the same type in Spark."""
    ours = accepted(texts)
    assert len(ours) >= at_least
    names = list(ours)
    theirs: dict[str, str] = {}
    for start in range(0, len(names), 250):
        chunk = names[start : start + 250]
        theirs.update(zip(chunk, spark_types(rows, chunk), strict=True))
    assert {text: theirs[text] for text in ours} == ours


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "%", "div", "||", "&", "|", "^"])
def test_arithmetic(rows: DataFrame, operator: str) -> None:
    assert_same_types(rows, (f"{a} {operator} {b}" for a, b in product(OPERANDS, OPERANDS)), at_least=60)


@pytest.mark.parametrize("operator", ["=", "<>", "<", "<=", ">", ">=", "<=>"])
def test_comparisons(rows: DataFrame, operator: str) -> None:
    assert_same_types(rows, (f"{a} {operator} {b}" for a, b in product(OPERANDS, OPERANDS)), at_least=300)


SHAPES = [
    "coalesce({a}, {b})",
    "case when b then {a} else {b} end",
    "case when b then {a} when not b then {b} end",
    "case {a} when {b} then 1 end",
    "{a} in ({b}, {a})",
    "{a} not in ({b}, null)",
    "{a} between {b} and {b}",
    "nullif({a}, {b})",
    "{a}[{b}]",
    "array({a}, {b})",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_operands_that_meet(rows: DataFrame, shape: str) -> None:
    assert_same_types(rows, (shape.format(a=a, b=b) for a, b in product(OPERANDS, OPERANDS)), at_least=30)


def test_one_operand(rows: DataFrame) -> None:
    shapes = [
        "-{}",
        "- -{}",
        "~{}",
        "not {}",
        "{} is null",
        "{} is not null",
        "{} is true",
        "{} is not false",
        "({})",
    ]
    shapes += [
        "{} like 'a%'",
        "{} not ilike '!%' escape '!'",
        "{} rlike '^a'",
        "{}.x",
        "{}.Z",
        "{}[0].x",
        "if(b, {}, null)",
    ]
    assert_same_types(rows, (shape.format(a) for shape, a in product(shapes, OPERANDS)), at_least=100)


@pytest.mark.parametrize("cast", ["cast", "try_cast"])
def test_casts(rows: DataFrame, cast: str) -> None:
    targets = [
        *COLUMNS.values(),
        "decimal(3,1)",
        "array<double>",
        "map<string,string>",
        "struct<x:bigint,z:string>",
    ]
    assert_same_types(rows, (f"{cast}({a} as {kind})" for a, kind in product(OPERANDS, targets)), at_least=300)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function(rows: DataFrame, name: str) -> None:
    signature = FUNCTIONS[name].signature
    most = len(signature.kinds) + (2 if signature.repeats else 0)
    for count in range(signature.least, most + 1):
        pool = [*COLUMNS, *WORDS] if count <= 2 else ["i", "c", "d", "p", "day", "ntz", "b", "ai", "m", *WORDS[3:8]]
        calls = [f"{name}({', '.join(arguments)})" for arguments in product(pool, repeat=min(count, 3))]
        calls = [call.replace(")", ", i" * (count - 3) + ")") for call in calls] if count > 3 else calls
        kept = list(accepted(calls))
        assert_same_types(rows, Random(name).sample(kept, min(len(kept), 120)))


def test_more_than_two_meet_from_left_to_right(rows: DataFrame) -> None:
    some = ["t", "l", "f", "p", "wide", "1", "2.5", "null"]
    for shape in (
        "coalesce({}, {}, {})",
        "greatest({}, {}, {})",
        "case when b then {} when b then {} else {} end",
    ):
        assert_same_types(rows, (shape.format(*three) for three in product(some, repeat=3)), at_least=200)


CHAINS = [
    # operators without parentheses: either both group them alike, or `check` asks for parentheses
    *(
        "i + i * i",
        "i * i + i",
        "-i + i",
        "- i * i",
        "i - i - i",
        "i / i * i",
        "i % i / i",
        "i div i + 1",
        "~i & i",
    ),
    *(
        "i & i | i",
        "i | i & i",
        "i ^ i & i",
        "i | i ^ i",
        "i + i & i",
        "i & i + i",
        "c || i + i",
        "i + i || c",
    ),
    *(
        "i < i = b",
        "b = i < i",
        "i = i = b",
        "not i = i",
        "not b and b",
        "not b or b and b",
        "b and not i > i or b",
    ),
    *(
        "i = i is null",
        "i is null = b",
        "i + i is null",
        "not i is null",
        "i is not null and b",
        "i <=> i is not null",
    ),
    *(
        "i in (1) = b",
        "b = i in (1)",
        "i between i and i + i",
        "i between 1 and 2 and b",
        "i = i between 1 and 2",
    ),
    *(
        "c like c || c",
        "c || c like c",
        "c not like c and b",
        "not c like c",
        "i > i and i < i",
        "i between i = i and 2",
    ),
    *(
        "d - -d",
        "d+-d",
        "-d.x",
        "-ai[0]",
        "-ai[0] + 1",
        "st.x + 1",
        "-st.x",
        "not st.x = 1",
        "ts - interval 1 day < ts",
    ),
    *(
        "i in (1) in (true)",
        "i is null is null",
        "not i in (1)",
        "i not in (1) and b",
        "i not between 1 and 2 or b",
    ),
]


def test_operators_without_parentheses(rows: DataFrame) -> None:
    assert_same_types(rows, CHAINS, at_least=35)


def with_all_parentheses(text: str) -> str:
    """The expression with parentheses around every operator, as the tree groups them that `check` looked at."""
    tree = parse(text, lex(text))
    for node in list(tree.walk(bfs=False)):
        if isinstance(node, GROUPED) and not isinstance(node.parent, exp.Paren):
            wrapped = exp.Paren(this=node.copy())
            if node is tree:
                tree = wrapped
            else:
                node.replace(wrapped)
            return with_all_parentheses(tree.sql("spark"))
    return text


BINARY = ["+", "-", "*", "/", "%", "div", "||", "&", "|", "^", "=", "<", ">=", "<>", "<=>", "and", "or"]
GROUPED = (exp.Binary, exp.Not, exp.Neg, exp.BitwiseNot, exp.Between, exp.In)


def chain(random: Random) -> str:
    """Operands of few types and operators in random order, with hardly a parenthesis."""
    words = []
    for _ in range(random.randint(2, 5)):
        words += random.choices(["", "not", "-", "~"], [8, 2, 1, 1])
        words += [random.choice(["i", "i", "b", "b", "c", "1", "(i + 1)", "ai[0]", "st.x"])]
        words += random.choices(
            ["", "is null", "in (1, 2)", "between 1 and i", "not like 'a'"],
            [12, 1, 1, 1, 1],
        )
        words += [random.choice(BINARY)]
    return " ".join(word for word in words[:-1] if word)


@settings(max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_spark_groups_operators_as_they_were_checked(rows: DataFrame, random: Random) -> None:
    """Spark names a column after the tree it read, with all parentheses: both texts must get the same name."""
    seeded = Random(random.getrandbits(64))
    found = accepted(chain(seeded) for _ in range(3000))
    # Spark balances longer chains of `and` and of `or`, which changes nothing.
    texts = [text for text in found if text.count(" and ") < 3 and text.count(" or ") < 3]
    assert len(texts) >= 100
    as_written = rows.select(*[F.expr(text) for text in texts]).columns
    as_checked = rows.select(*[F.expr(with_all_parentheses(text)) for text in texts]).columns
    assert dict(zip(texts, as_written, strict=True)) == dict(zip(texts, as_checked, strict=True))


class Pool:
    """Expressions that were accepted, growing by random composition of those already there."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.texts = [text for text in OPERANDS if not text.startswith(("interval", "(", "null"))]
        self.composed: dict[str, str] = {}

    def operand(self) -> str:
        text = self.random.choice(self.texts)
        return f"({text})" if self.random.random() < 0.5 else text

    def candidate(self) -> str:
        kind = self.random.randrange(6)
        a, b, c = self.operand(), self.operand(), self.operand()
        if kind == 0:
            return f"{a} {self.random.choice(BINARY)} {b}"
        if kind == 1:
            shape = self.random.choice(["case when {} then {} else {} end", "if({}, {}, {})", "{} between {} and {}"])
            return shape.format(a, b, c)
        if kind == 2:
            shape = self.random.choice(["-{}", "not {}", "{} is null", "{} in ({}, {})", "{}[{}]", "cast({} as {})"])
            return shape.format(a, self.random.choice(list(COLUMNS.values())) if "as" in shape else b, c)
        function = self.random.choice(list(FUNCTIONS.values()))
        count = len(function.signature.kinds) + self.random.randrange(2) * function.signature.repeats
        arguments = [
            self.random.choice(WORDS) if self.random.random() < 0.15 else self.random.choice(self.texts)
            for _ in range(self.random.randint(function.signature.least, max(count, function.signature.least)))
        ]
        return f"{function.name}({', '.join(arguments)})"

    def grow(self, count: int) -> dict[str, str]:
        """So many new expressions that `check` accepts, with their types."""
        while len(self.composed) < count:
            for text, kind in accepted([self.candidate()]).items():
                # Spark evaluates constants while it analyses: what overflows there says nothing of types.
                if text not in self.composed and len(text) < 400 and check(text, TYPES).columns:
                    self.composed[text] = kind
                    self.texts.append(text)
        return self.composed


@settings(max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_random_compositions(rows: DataFrame, random: Random) -> None:
    """What is accepted, Spark accepts with the same type; failures show the very expressions, so none are shrunk."""
    assert_same_types(rows, Pool(Random(random.getrandbits(64))).grow(250), at_least=250)
