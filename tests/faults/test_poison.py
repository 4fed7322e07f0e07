"""Poison in the data: a right answer, or one clear line that names the feature and the source and leaves no trace."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import Shop, Table

STACKS = re.compile(r"Py4J|Traceback|org\.apache|java\.lang\.\w*Exception|SQLSTATE")
LONG = "x" * 1_000_000
AT = datetime(2024, 1, 2, 9, tzinfo=UTC)
DEFINITIONS = """\
kind: entity
name: customer
keys: {{customer_id: {key}}}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {{customer_id: {key}, sold_at: {time}, {columns}}}
{declared}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
{features}
"""
CONF = """\
lake: ./lake
roots: [./lake, ./data]
tables: {raw.sales: {path: ./data/sales.parquet, format: parquet}}
spark: {master: 'local[2]'}
"""
Write = Callable[..., None]


class Poisoned:
    """A shop of its own for each test: one source, one group, and rows whose `sold_at` is 2024-01-02 by default."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self._spark, self._root = spark, root

    def open(
        self,
        columns: str,
        features: str,
        declared: str = "",
        key: str = "bigint",
        time: str = "timestamp",
        is_interpreted: bool = False,
    ) -> None:
        """Where no message is at stake, what is run may be interpreted."""
        features = "".join(f"  {line}\n" for line in features.splitlines())
        text = DEFINITIONS.format(columns=columns, features=features, declared=declared, key=key, time=time)
        self.shop = replace(Shop.open(self._root / "shop", text, CONF), is_interpreted=is_interpreted)
        self.path = self.shop.root / "data" / "sales.parquet"

    def write(self, columns: dict[str, Any], **options: Any) -> None:
        rows = len(next(iter(columns.values())))
        columns = {"sold_at": pa.array([AT] * rows, pa.timestamp("us", tz="UTC")), **columns}
        columns = {"customer_id": pa.array([1] * rows, pa.int64()), **columns}
        pq.write_table(pa.table(columns), self.path, **options)

    def run(self, interval: str = "2024-01-02") -> tuple[int, str]:
        """Exit code and error of the run; what a person sees of it is short and has no stack."""
        done = self.shop.headrace(f"materialize --group spend --interval {interval}")
        assert not STACKS.search(done.out + done.err)
        assert len(done.out + done.err) < 20_000
        return done.code, "" if done.code == 0 else done.error

    @property
    def table(self) -> Table:
        return Table(self._spark, self.shop, "spend_v1")

    def rows(self, columns: str, feature_time: str = "2024-01-03") -> list[tuple[object, ...]]:
        return self.table.rows(feature_time, columns)

    def has_written_nothing(self) -> bool:
        folders = ("features", "quarantine", "_headrace/staging")
        return not any(self.shop.files(f"lake/{folder}") for folder in folders)


@pytest.fixture
def poisoned(spark: SparkSession, tmp_path: Path) -> Poisoned:
    return Poisoned(spark, tmp_path)


BIG = 2**63 - 1


def test_an_overflow_leaves_the_table_as_it_was(poisoned: Poisoned) -> None:
    poisoned.open("amount: bigint, price: 'decimal(38,0)'", "total: {aggregate: sum, of: amount, window: 1d}")
    day = pa.array([AT.replace(day=1), AT, AT], pa.timestamp("us", tz="UTC"))
    price = pa.array([Decimal(1)] * 3, pa.decimal128(38, 0))
    poisoned.write({"sold_at": day, "amount": pa.array([7, BIG, BIG], pa.int64()), "price": price})
    assert poisoned.run("2024-01-01") == (0, "")
    before = poisoned.table.version
    assert poisoned.run() == (
        3,
        "a total is too large for its type in total; sum a wider type, as in: cast(amount as decimal(38, 2))",
    )
    assert (poisoned.table.version, poisoned.rows("total", "2024-01-02"), poisoned.rows("total")) == (
        before,
        [(7,)],
        [],
    )
    assert poisoned.shop.files("lake/_headrace/staging") == []


# columns, features, declared -> the error
FAILING = {
    "decimal sum": (
        "total: {aggregate: sum, of: price, window: 1d}",
        "",
        "a total is too large for its type in total; sum a wider type, as in: cast(amount as decimal(38, 2))",
    ),
    "division in derive": (
        "n: {aggregate: sum, of: ratio, window: 1d}",
        "derive: {ratio: amount / zero}",
        "computing spend from sales: division by zero in derived column ratio: amount / zero; nullif(x, 0) makes it null",
    ),
    "cast in derive": (
        "n: {aggregate: sum, of: size, window: 1d}",
        "derive: {size: cast(item as int)}",
        "computing spend from sales: the STRING 'pear' is not a valid INT in derived column size: cast(item as int)",
    ),
    "cast in a source's where": (
        "n: {aggregate: count, window: 1d}",
        "where: cast(item as int) > 0",
        "checking spend input sales: the STRING 'pear' is not a valid INT in where: cast(item as int)",
    ),
    "cast in of": (
        "n: {aggregate: sum, of: cast(item as bigint), window: 1d}",
        "",
        "computing spend from sales: the STRING 'pear' is not a valid BIGINT in feature n: cast(item as bigint)",
    ),
    "overflow in of": (
        "n: {aggregate: max, of: amount + amount, window: 1d}",
        "",
        "computing spend from sales: long overflow in feature n: amount + amount",
    ),
    "division in a feature's where": (
        "n: {aggregate: count, where: amount / zero > 1, window: 1d}",
        "",
        "computing spend from sales: division by zero in feature n: amount / zero; nullif(x, 0) makes it null",
    ),
    "division in an expression": (
        "n: {aggregate: count, window: 1d}\nz: {aggregate: sum, of: zero, window: 1d}\nr: {expression: n / z}",
        "",
        "computing spend from sales: division by zero in feature r: n / z; nullif(x, 0) makes it null",
    ),
    "regex": (
        "n: {aggregate: count, where: \"item rlike concat('(', item)\", window: 1d}",
        "",
        "computing spend from sales: a regular expression cannot be read: Unclosed group near index 5 in: (pear",
    ),
    "index": (
        "n: {aggregate: last, of: 'array(1)[amount]', window: 1d}",
        "",
        "computing spend from sales: The index -1 is out of bounds in feature n: array(1)[amount]",
    ),
}


# Casts beside the one in a condition: derived columns and `of` are named by a division and an overflow already.
IN_LONG_RUNS = ("cast in derive", "cast in of")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in IN_LONG_RUNS else ()) for name in FAILING]
)
def test_a_value_that_cannot_be_is_one_line(poisoned: Poisoned, name: str) -> None:
    features, declared, error = FAILING[name]
    poisoned.open("amount: bigint, zero: bigint, item: string, price: 'decimal(38,0)'", features, declared)
    poisoned.write(
        {
            "amount": pa.array([BIG, 1], pa.int64()),
            "zero": pa.array([0, 0], pa.int64()),
            "item": pa.array(["pear", "\x1b[31m"]),
            "price": pa.array([Decimal(10**38 - 1)] * 2, pa.decimal128(38, 0)),
        }
    )
    assert poisoned.run() == (2 if name == "regex" else 3, error)
    assert poisoned.has_written_nothing()


def test_nan_and_infinities(poisoned: Poisoned) -> None:
    names = "total: sum, mean: mean, least: min, most: max, latest: last, kinds: count_distinct"
    features = "\n".join(
        f"{name}: {{aggregate: {aggregate}, of: x, window: 1d}}"
        for name, aggregate in (pair.split(": ") for pair in names.split(", "))
    )
    poisoned.open(
        "x: double",
        features + "\nrows: {aggregate: count, window: 1d}\nratio: {expression: total / nullif(most, 0)}",
        is_interpreted=True,
    )
    inf = math.inf
    x = [math.nan, 1.0, inf, inf, -inf, math.nan, -0.0, 5e-324, 1.7976931348623157e308]
    keys = pa.array([1, 1, 2, 3, 3, 4, 5, 6, 6], pa.int64())
    poisoned.write({"customer_id": keys, "x": pa.array(x, pa.float64())})
    assert poisoned.run() == (0, "")
    largest = 1.7976931348623157e308
    assert repr(poisoned.rows("customer_id rows total mean least most latest kinds ratio")) == repr(
        [
            (1, 2, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0),
            (2, 1, inf, inf, inf, inf, inf, 1, math.nan),
            (3, 2, math.nan, math.nan, -inf, inf, inf, 2, math.nan),
            (4, 1, None, None, None, None, None, 0, None),
            (5, 1, 0.0, 0.0, 0.0, 0.0, 0.0, 1, None),
            (6, 2, largest, largest / 2, 5e-324, largest, largest, 2, 1.0),
        ]
    )


@pytest.mark.long
def test_a_megabyte_of_text(poisoned: Poisoned) -> None:
    poisoned.open(
        "item: string",
        "latest: {aggregate: last, of: item, window: 1d}\nkinds: {aggregate: count_distinct, of: item, window: 1d}",
        "expectations:\n  - expect_column_values_to_be_in_set: {column: item, value_set: [a], severity: warning}\n"
        "  - expect_column_value_lengths_to_be_between: {column: customer_id, max_value: 5, severity: warning}",
        key="string",
    )
    poisoned.write({"customer_id": pa.array([LONG, LONG, "a"]), "item": pa.array([LONG, LONG + "y", "<b>\x1b[2J"])})
    assert poisoned.run() == (0, "")
    assert poisoned.rows("length(customer_id) length(latest) kinds") == [(1, 7, 1), (1_000_000, 1_000_001, 2)]
    pages = [page.read_text() for page in (poisoned.shop.root / "lake" / "_headrace" / "data_docs").rglob("*.html")]
    assert max(map(len, pages)) < 20_000
    assert not any("<b>" in page or "\x1b" in page for page in pages)


@pytest.mark.long
def test_a_million_values_and_half_of_the_rows_in_one_key(spark: SparkSession, poisoned: Poisoned) -> None:
    poisoned.open(
        "value: bigint",
        "n: {aggregate: count, window: 1d}\n"
        "kinds: {aggregate: count_distinct, of: value, window: 1d}\n"
        "most: {aggregate: most_frequent_k, k: 2, of: value, window: 1d}\n"
        "last: {aggregate: last_k, k: 2, of: value, window: 1d}\n"
        "some: {aggregate: count, by: value, window: 1d, max_categories: 2}",
    )
    rows = spark.range(2_000_000).selectExpr(
        "if(id < 1000000, -1, id) AS customer_id", "id AS value", "timestamp'2024-01-02T09:00:00Z' AS sold_at"
    )
    rows.where("customer_id < 1000500").write.parquet(str(poisoned.path))
    assert poisoned.run() == (0, "")
    found = poisoned.rows("customer_id n kinds most last map_entries(some)")
    assert (len(found), found[0], found[1]) == (
        501,
        (-1, 1_000_000, 1_000_000, [0, 1], [999_999, 999_998], [(0, 1), (1, 1)]),
        (1_000_000, 1, 1, [1_000_000], [1_000_000], [(1_000_000, 1)]),
    )


def test_structs_bytes_and_a_variant(spark: SparkSession, poisoned: Poisoned) -> None:
    """Structs and bytes count like any value, nulls and odd names in them too; a variant column disturbs nobody."""
    poisoned.open(
        "box: 'struct<n:bigint,Word:string>', odd: 'struct<`odd name`:string>', raw: binary",
        "boxes: {aggregate: count_distinct, of: box}\n"
        "largest: {aggregate: max, of: box}\n"
        "latest: {aggregate: last_k, of: box, k: 2}\n"
        "odd: {aggregate: first, of: odd.`odd name`}\n"
        "total: {aggregate: sum, of: box.n}\n"
        "raws: {aggregate: count_distinct, of: raw}\n"
        "least: {aggregate: min, of: raw}\n"
        "often: {aggregate: most_frequent_k, of: raw, k: 3}",
        "tie_breaker: raw",
    )
    rows = spark.sql(
        "SELECT 1L AS customer_id, timestamp'2024-01-02T09:00:00Z' AS sold_at, raw, parse_json(note) AS note,"
        " if(word = 'none', null, named_struct('n', n, 'Word', word)) AS box, named_struct('odd name', word) AS odd"
        " FROM VALUES (1L, null, X'', '1'), (1L, null, X'00', '{\"a\": [null]}'), (null, 'z', X'00ff', null),"
        " (7L, 'none', X'ff', '[1e400]'), (9L, 'y', null, '2') AS t (n, word, raw, note)"
    )
    rows.coalesce(1).write.parquet(str(poisoned.path))
    assert poisoned.run() == (0, "")
    columns = "boxes largest transform(latest,b->b.n) odd total raws hex(least) transform(often,r->hex(r))"
    assert poisoned.rows(columns) == [(3, (9, "y"), [None, 1], "y", 11, 4, "", ["", "00", "00FF"])]
    assert poisoned.run("2024-01-03") == (0, ""), "the table is found to be as declared"


@pytest.mark.long
def test_a_total_within_structs_that_overflows(poisoned: Poisoned) -> None:
    poisoned.open("box: 'struct<n:bigint>'", "total: {aggregate: sum, of: box.n, window: 1d}")
    poisoned.write({"box": pa.array([{"n": BIG}, {"n": BIG}], pa.struct([("n", pa.int64())]))})
    assert poisoned.run()[1].startswith("a total is too large for its type in total; sum a wider type")
    assert poisoned.has_written_nothing()


def test_bytes_where_a_struct_is_declared(poisoned: Poisoned) -> None:
    poisoned.open("box: 'struct<n:bigint>'", "total: {aggregate: sum, of: box.n, window: 1d}")
    poisoned.write({"box": pa.array([b"\x00", b"\xff"], pa.binary())})
    code, error = poisoned.run()
    assert (code, error.count("\n")) == (3, 0)
    assert "box" in error
    assert poisoned.has_written_nothing()


def test_a_variant_cannot_be_declared(poisoned: Poisoned) -> None:
    poisoned.open("note: variant", "n: {aggregate: count, window: 1d}")
    done = poisoned.shop.headrace("lint")
    assert done.code == 2
    assert "feature_defs/shop.yaml:9:58 error[invalid-value] sales: note: unknown type 'variant'" in done.out + done.err


@pytest.mark.long
def test_ten_thousand_columns(poisoned: Poisoned) -> None:
    poisoned.open("c7: double", "total: {aggregate: sum, of: c7, window: 1d}")
    one = pa.array([1.5], pa.float64())
    poisoned.write({f"c{n}": one for n in range(10_000)})
    assert poisoned.run() == (0, "")
    assert poisoned.rows("customer_id total") == [(1, 1.5)]


def test_times_at_the_ends_of_calendars(poisoned: Poisoned) -> None:
    """Years that Python, nanoseconds and Spark end at: each row counts where it belongs, none disturbs another."""
    features = "n: {aggregate: sum, of: n}\nrecent: {aggregate: sum, of: n, window: 1d}"
    poisoned.open("n: bigint", features, is_interpreted=True)
    micros = [datetime(1, 1, 1, tzinfo=UTC), AT, datetime(9999, 12, 31, tzinfo=UTC), datetime(2262, 5, 1, tzinfo=UTC)]
    poisoned.write({"sold_at": pa.array(micros, pa.timestamp("us", tz="UTC")), "n": pa.array([1, 2, 4, 8], pa.int64())})
    assert poisoned.run() == (0, "")
    assert poisoned.rows("n recent") == [(3, 2)]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["INT96", "ns", "ms"])
def test_times_of_other_writers(poisoned: Poisoned, kind: str) -> None:
    """What older Spark, Impala and pandas write: the same instants, or one line that says what is there."""
    poisoned.open("n: bigint", "n: {aggregate: sum, of: n, window: 1d}", is_interpreted=kind != "ns")
    unit = "ms" if kind == "ms" else "ns"
    columns = {
        "sold_at": pa.array([AT, AT.replace(day=1)], pa.timestamp(unit, tz="UTC")),
        "n": pa.array([1, 2], pa.int64()),
    }
    options = {"use_deprecated_int96_timestamps": True} if kind == "INT96" else {"version": "2.6"}
    poisoned.write(columns, **options)
    if kind == "ns":  # Spark has no such type
        code, error = poisoned.run()
        assert code in (3, 5)
        assert "raw.sales" in error
        assert poisoned.has_written_nothing()
    else:
        assert poisoned.run() == (0, "")
        assert poisoned.rows("n") == [(1,)]
