"""`headrace training-set` and the Python API end to end: builds, rebuilds, status, gates, wrong input."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import headrace
from headrace.errors import DefinitionError, UsageError
from tests.integration.shop import Shop, write_sales

CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales}
  raw.sales_ahead: {path: ./data/sales_ahead}
  raw.filed: {path: ./data/filed, format: parquet}
  raw.asked: {path: ./data/asked}
  raw.people: {path: ./data/people}
  raw.nothing: {path: ./data/nothing}
spark: {master: 'local[2]'}
"""
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
tie_breaker: [item]
columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}
expectations:
  - expect_column_values_to_be_between: {column: amount, max_value: 1000, severity: warning, on_failure: quarantine}
---
kind: source
name: late_sales
table: raw.sales
event_time: sold_at
lateness: 1d
columns: {customer_id: bigint, sold_at: timestamp}
---
kind: source
name: sales_ahead
table: raw.sales_ahead
event_time: sold_at
columns: {customer_id: bigint, sold_at: timestamp}
---
kind: source
name: filed
table: raw.filed
event_time: sold_at
partition: {column: dt, format: yyyy-MM-dd, by: event_time, slack: 1d}
columns: {customer_id: bigint, sold_at: timestamp, dt: string}
---
kind: source
name: baskets
from: sales
group_by: [customer_id, item]
columns: {worth: sum(amount)}
span: 14h
---
kind: feature_table
name: people
entity: customer
table: raw.people
columns: {customer_id: bigint, city: string}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: 2d, default: 0}
  sales: {aggregate: count, window: 7d}
---
kind: training_set
name: again
spine: {table: raw.asked, time: "asked at", timezone: UTC, keys: {customer_id: buyer}}
features: [spend.*, people.city]
labels:
  buys: {source: sales, aggregate: count, horizon: 1d, entity: customer, expression: buys > 0}
split: {train_until: 2024-01-03}
expectations:
  - expect_column_values_to_be_between: {column: spend, max_value: 500}
---
kind: training_set
name: served
spine: {entity: customer, source: sales, every: 1d, from: 2024-01-02, to: 2024-01-04}
features: [spend.spend]
read: as_served
---
kind: training_set
name: files
spine: {entity: customer, source: sales, every: 1d, from: 2024-01-02, to: 2024-01-04, active: 1d}
features: [spend.spend]
labels:
  buys: {source: sales, aggregate: sum, of: amount, horizon: 1d, immature: drop}
output: parquet
---
kind: training_set
name: rolled
spine: {table: raw.asked, time: 'Asked At', timezone: UTC, keys: {customer_id: BUYER}}
features: [people.city]
labels:
  worth: {source: baskets, aggregate: sum, of: worth, horizon: 1h, entity: customer}
  buys: {source: sales, aggregate: count, horizon: 3d, entity: customer}
"""
SALES = [
    (1, 10.0, "pear", "2024-01-01T10:00:00+00:00"),
    (1, 2.5, "plum", "2024-01-02T09:00:00+00:00"),
    (2, 4.0, "pear", "2024-01-02T23:59:59.999999+00:00"),
    (1, 5000.0, "slip", "2024-01-01T11:00:00+00:00"),
    (None, 1.0, "lost", "2024-01-01T12:00:00+00:00"),
    (3, 7.0, "fig", "2024-01-04T00:00:00+00:00"),
]
ASKED = [  # buyer, when, note
    (1, "2024-01-02T09:00:00", "a"),
    (1, "2024-01-02T09:00:00", "a"),
    (2, "2024-01-03T00:00:00", None),
    (9, "2024-01-02T00:00:00", "stranger"),
    (None, "2024-01-02T00:00:00", "nobody"),
    (1, None, "never"),
    (1, "2024-01-03T12:00:00", "late"),
]


def write_asked(spark: SparkSession, root: Path) -> None:
    """Zone-less times in a column with an odd name, and a column that nobody declares."""
    rows = [(buyer, at and datetime.fromisoformat(at), note, {"x": 1}) for buyer, at, note in ASKED]
    frame = spark.createDataFrame(rows, "buyer bigint, at timestamp_ntz, note string, extra map<string,int>")
    frame.withColumnRenamed("at", "asked at").coalesce(1).write.mode("overwrite").parquet(str(root / "asked"))


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    conf = CONF.replace("./data/asked}", "./data/asked, format: parquet}")
    shop = Shop.open(tmp_path_factory.mktemp("training") / "shop", DEFINITIONS, conf)
    data = shop.root / "data"
    write_sales(spark, data / "sales", SALES)
    write_sales(spark, data / "sales_ahead", [*SALES, (1, 1.0, "fig", "2999-01-01T00:00:00+00:00")])
    # The last one lies in a partition of another time: it never counts.
    days = [*((sold_at, sold_at[:10]) for *_, sold_at in SALES), ("2024-01-20T00:00:00+00:00", "2024-01-02")]
    filed = spark.createDataFrame([(1, *day) for day in days], "customer_id bigint, sold_at string, dt string")
    filed = filed.withColumn("sold_at", F.to_timestamp("sold_at"))
    filed.coalesce(1).write.partitionBy("dt").parquet(str(data / "filed"))
    write_asked(spark, data)
    people = spark.createDataFrame([(1, "Bonn"), (2, None)], "customer_id bigint, city string")
    people.write.format("delta").save(str(data / "people"))
    return shop


def rows_of(spark: SparkSession, shop: Shop, name: str, version: int | None = None) -> list[tuple[Any, ...]]:
    reader = spark.read.format("delta")
    reader = reader if version is None else reader.option("versionAsOf", version)
    rows = reader.load(str(shop.root / "lake" / "training_sets" / name))
    return sorted((tuple(row) for row in rows.collect()), key=repr)


def built(shop: Shop, line: str) -> dict[str, Any]:
    done = shop.headrace(f"training-set {line} --format json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_name_that_no_table_can_have(shop: Shop) -> None:
    done = shop.headrace("training-set again")
    assert done.code == 3
    assert done.error == (
        "raw.asked: a Delta table cannot have a column called 'asked at'; "
        "rename it, or list the others in `columns` of the spine"
    )


@pytest.fixture
def renamed(spark: SparkSession, shop: Shop) -> Iterator[Shop]:
    """The same with a name that a table can have."""
    path = str(shop.root / "data" / "asked")
    rows = spark.read.parquet(path).collect()
    schema = "buyer bigint, asked_at timestamp_ntz, note string, extra map<string,int>"
    spark.createDataFrame(rows, schema).coalesce(1).write.mode("overwrite").parquet(path)
    with shop.edited(('"asked at"', "asked_at")):
        yield shop
    write_asked(spark, shop.root / "data")
    write_sales(spark, shop.root / "data" / "sales", SALES)


def test_build_change_and_build_again(spark: SparkSession, renamed: Shop) -> None:
    first = built(renamed, "again")
    t, extra = datetime.fromisoformat, {"x": 1}
    day2 = t("2024-01-02T09:00:00")
    expected = [
        # buyer, asked_at, note, extra, spend, sales, city, buys, buys__mature, split
        (1, day2, "a", extra, 10.0, 1, "Bonn", True, True, "train"),
        (1, day2, "a", extra, 10.0, 1, "Bonn", True, True, "train"),
        (2, t("2024-01-03"), None, extra, 4.0, 1, None, False, True, "test"),
        (9, t("2024-01-02"), "stranger", extra, 0.0, 0, None, False, True, "train"),
        (None, t("2024-01-02"), "nobody", extra, None, None, None, None, True, "train"),
        (1, None, "never", extra, None, None, None, None, False, None),
        (1, t("2024-01-03T12:00:00"), "late", extra, 2.5, 2, "Bonn", None, False, "test"),
    ]
    # The second day of the first sale's reach; a horizon of a day ends by the third in all but the last.
    expected[0] = expected[1] = (*expected[0][:9], None)
    assert rows_of(spark, renamed, "again") == sorted(expected, key=repr)
    assert (first["rows"], first["timeless"], first["dropped"]) == (7, 1, 0)
    assert first["labels"] == {"buys": {"mature": 5, "rate": 0.5}}
    assert first["null_rates"]["city"] == pytest.approx(4 / 7)
    assert first["quarantined"] == {"sales": 1}
    assert set(first["sources"]) == {"raw.asked", "raw.people", "raw.sales"}
    status = json.loads(renamed.headrace("status training-set again --format json").out)
    assert [(b["version"], b["status"], b["rows"]) for b in status][:1] == [(first["version"], "committed", 7)]

    more = spark.createDataFrame(
        [(1, 0.5, "late", datetime.fromisoformat("2024-01-02T08:00:00+00:00"))],
        "customer_id bigint, amount double, item string, sold_at timestamp",
    )
    more.write.format("delta").mode("append").save(str(renamed.root / "data" / "sales"))
    with renamed.edited(("window: 2d, default: 0}", "window: 2d, default: -1}")):
        second = built(renamed, "again")
        assert second["version"] > first["version"]
        assert second["checksum"] != first["checksum"]
        assert rows_of(spark, renamed, "again", first["version"]) == sorted(expected, key=repr)
        # By the definitions and the tables of then, whatever both are now.
        third = built(renamed, f"again --rebuild {first['version']}")
    assert third["same_as_before"] is True
    assert third["checksum"] == first["checksum"]
    assert third["sources"] == first["sources"]
    assert rows_of(spark, renamed, "again") == sorted(expected, key=repr)
    unknown = renamed.headrace("training-set again --rebuild 77")
    assert unknown.code == 2
    assert unknown.error.startswith("training set again has no version 77")


def test_a_closed_gate_leaves_the_table_as_it_was(spark: SparkSession, renamed: Shop) -> None:
    before = built(renamed, "again")
    with renamed.edited(("max_value: 500", "max_value: 9")):
        done = renamed.headrace("training-set again")
    assert done.code == 3
    assert "again: the gate is closed, nothing was written" in done.error
    assert "expect_column_values_to_be_between(column=spend, max_value=9): 2 of 7 rows" in done.error
    status = json.loads(renamed.headrace("status training-set again --format json").out)
    assert [(b["version"], b["status"]) for b in status][:2] == [(None, "failed"), (before["version"], "committed")]
    assert not list((renamed.root / "lake" / "_headrace" / "staging").glob("*"))


def test_all_rows_of_a_source_are_judged_however_they_are_read(renamed: Shop) -> None:
    # The slip lies in the span of a roll-up before the first horizon, the fig in a horizon of the rows themselves only.
    known = "expect_column_values_to_be_in_set: {column: item, value_set: [pear, plum, lost], severity: critical}"
    with renamed.edited(
        (
            "expectations:\n  - expect_column_values_to_be_between: {column: amount",
            f"expectations:\n  - {known}\n  - expect_column_values_to_be_between: {{column: amount",
        ),
        ("'Asked At'", "Asked_At"),
    ):
        done = renamed.headrace("training-set rolled")
    assert done.code == 3
    assert "(column=item, value_set=['pear', 'plum', 'lost']): 2 of 6 rows" in done.error


def test_served_from_snapshots_that_must_be_there(spark: SparkSession, shop: Shop) -> None:
    done = shop.headrace("training-set served")
    assert (done.code, "spend@1 has no snapshots yet" in done.error) == (3, True)
    assert shop.headrace("materialize --group spend --interval 2024-01-01").code == 0
    done = shop.headrace("training-set served")
    assert done.code == 3
    assert done.error.startswith("served: spend@1 was not computed for 2024-01-02; ")
    assert "headrace materialize --group spend --interval 2024-01-02" in done.error
    assert shop.headrace("materialize --group spend --interval 2024-01-02").code == 0
    assert built(shop, "served")["rows"] == 3
    with shop.edited(
        ("version: 1\nentity: customer\nsource: sales", "version: 2\nentity: customer\nsource: sales"),
        ("{aggregate: sum, of: amount, window: 2d, default: 0}", "{aggregate: max, of: amount}"),
    ):
        assert "spend@2 has no snapshots yet" in shop.headrace("training-set served").error
        # The old version: read as it was, and computed as it was.
        with shop.edited(("features: [spend.spend]\nread: as_served", "features: [spend@1.spend]\nread: as_served")):
            served = built(shop, "served")
            assert served["rows"] == 3
        before = {row[:2]: row[2] for row in rows_of(spark, shop, "served")}
        with shop.edited(
            ("features: [spend.spend]\nread: as_served", "features: [spend@1.*, {from: spend, prefix: new_}]")
        ):
            assert built(shop, "served")["rows"] == 3
        for customer, time, spend, _, _, _ in rows_of(spark, shop, "served"):
            assert before[customer, time] == spend
        # What was read is there to be read again, whatever became of it.
        with shop.edited(("features: [spend.spend]\nread: as_served", "features: [people.city]\nread: as_served")):
            assert shop.headrace("retire spend@1").code == 0
            assert built(shop, f"served --rebuild {served['version']}")["rows"] == 3
        assert {row[:2]: row[2] for row in rows_of(spark, shop, "served")} == before


def test_folders_of_parquet_without_immature_rows(spark: SparkSession, shop: Shop) -> None:
    made = built(shop, "files")
    # Customer 3 buys on the 4th, so the data reaches to that midnight: a day from the 3rd, not more.
    assert (made["rows"], made["dropped"]) == (3, 0)
    found = spark.read.parquet(made["path"]).orderBy("time", "customer_id").collect()
    assert [(r.customer_id, r.time.day, r.spend, r.buys) for r in found] == [
        (1, 2, 10.0, 2.5),
        (1, 3, 12.5, None),
        (2, 3, 4.0, None),
    ]
    with shop.edited(
        ("every: 1d, from: 2024-01-02, to: 2024-01-04, active: 1d", "every: 1d, from: 2024-01-02, to: 2024-01-06")
    ):
        wider = built(shop, "files")
    assert wider["dropped"] > 0
    assert wider["version"] == made["version"] + 1
    assert spark.read.parquet(made["path"]).count() == 3, "each build is a folder of its own"


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("training-set agian", 2, "there is no training set 'agian'\n  did you mean 'again'?"),
        ("training-set", 2, "Missing argument"),
        ("status training-set", 2, "status training-set: which one?"),
        ("status training-set nothing", 2, "there is no training set 'nothing'"),
        ("status spend twice", 2, "status takes one group, and then there is 'twice'"),
    ],
)
def test_wrong_lines(shop: Shop, line: str, code: int, message: str) -> None:
    done = shop.headrace(line)
    assert done.code == code
    assert message.splitlines()[0] in done.err


@pytest.mark.parametrize(
    ("new", "code", "message"),
    [
        ("raw.people, time: city", 3, "raw.people: 'city' is string, a time without a zone; add `timezone:`"),
        ("raw.people, time: town", 3, "raw.people has no column 'town', which should be the time of its rows"),
        ("raw.nowhere, time: t", 2, "table raw.nowhere is not in the settings"),
        (
            "raw.sales, time: sold_at, timezone: UTC",
            3,
            "raw.sales: 'sold_at' is timestamp, an instant that has no other zone",
        ),
        (
            "raw.sales, time: sold_at, keys: {customer_id: buyer}",
            3,
            "files: the spine has no column 'buyer', which is a key",
        ),
        (
            "raw.sales, time: sold_at, keys: {customer_id: amount}",
            3,
            "files: 'amount' of the spine is double, but the key 'customer_id' is bigint; list it in the spine's",
        ),
    ],
)
def test_spines_that_cannot_be_read(shop: Shop, new: str, code: int, message: str) -> None:
    old = "entity: customer, source: sales, every: 1d, from: 2024-01-02, to: 2024-01-04, active: 1d"
    with shop.edited((old, f"entity: customer, table: {new}")):
        done = shop.headrace("training-set files")
    assert (done.code, done.error[: len(message)]) == (code, message)


# From Python ----------------------------------------------------------------------------------------------------------


def test_a_dataframe_gets_features_and_nothing_is_written(spark: SparkSession, shop: Shop) -> None:
    store = headrace.open(project=str(shop.root))
    before = sorted(path for path in (shop.root / "lake").rglob("*") if path.is_file())
    frame = spark.createDataFrame(
        [(1, "2024-01-02T09:00:00Z", 0.5), (4, "2024-01-02", None)], "who bigint, t string, w double"
    )
    found = store.training_set(
        spine=frame,
        time="t",
        timezone="UTC",
        keys={"customer_id": "who"},
        features=["spend.spend", {"from": "spend", "columns": ["sales"], "prefix": "n_"}, "people.city"],
        labels={"worth": {"source": "sales", "aggregate": "sum", "of": "amount", "horizon": "1d", "default": 0}},
        expressions={"half": "spend * w"},
    )
    assert found.columns == ["who", "t", "w", "spend", "n_sales", "city", "half", "worth", "worth__mature"]
    assert sorted((tuple(row) for row in found.collect()), key=repr) == [
        (
            1,
            "2024-01-02T09:00:00Z",
            0.5,
            10.0,
            1,
            "Bonn",
            5.0,
            2.5,
            True,
        ),
        (4, "2024-01-02", None, 0.0, 0, None, None, 0.0, True),
    ]
    assert store.training_set("files").where(F.col("spend") > 0).count() > 0
    assert sorted(path for path in (shop.root / "lake").rglob("*") if path.is_file()) == before


def test_labels_are_mature_as_far_as_their_source_is_complete(spark: SparkSession, shop: Shop) -> None:
    store = headrace.open(project=str(shop.root))
    # The newest sale is of 2024-01-04T00:00; with a lateness of a day its source is complete up to the 3rd.
    # What a table says of a time after its own commit is no sign of being complete until then.
    moments = ["2024-01-02T00:00", "2024-01-02T00:00:00.000001", "2024-01-03T00:00", "2024-01-03T00:00:00.000001"]
    frame = spark.createDataFrame([(1, moment) for moment in moments], "customer_id bigint, time string")
    labels = {
        name: {"source": source, "aggregate": "count", "horizon": "1d"}
        for name, source in (("sold", "sales"), ("late", "late_sales"), ("ahead", "sales_ahead"), ("filed", "filed"))
    }
    found = store.training_set(spine=frame, timezone="UTC", features=["people.city"], labels=labels)
    labelled = ("sold", "late", "ahead")
    columns = ["time", *(column for name in labelled for column in (name, f"{name}__mature")), "filed__mature"]
    assert sorted(tuple(row) for row in found.select(*columns).collect()) == [
        (moments[0], 1, True, 1, True, 1, True, True),
        (moments[1], 1, True, None, False, 1, True, True),
        (moments[2], 0, True, None, False, 0, True, True),
        (moments[3], None, False, None, False, None, False, False),
    ]


def test_wrong_calls(spark: SparkSession, shop: Shop) -> None:
    store = headrace.open(project=str(shop.root))
    frame = spark.createDataFrame([(1, datetime(2024, 1, 2))], "customer_id bigint, time timestamp")
    with pytest.raises(DefinitionError) as bad:
        store.training_set(
            spine=frame, features=["spend.spent", "spnd.*"], labels={"x": {"source": "sales", "horizon": "1 parsec"}}
        )
    text = str(bad.value)
    for part in (
        "'spent' is not a column of spend",
        "did you mean 'spend'?",
        "there is no feature group 'spnd'",
        "parsec",
    ):
        assert part in text, text
    with pytest.raises(UsageError, match="one of them"):
        store.training_set()
    with pytest.raises(
        UsageError, match=r"training_set\('files'\) is what its definition says, and takes no time, read"
    ):
        store.training_set("files", time="at", read="as_served")
    with pytest.raises(UsageError, match="takes no features, labels, expressions, timezone, keys, entity;"):
        store.training_set(
            "files",
            features=["spend.*"],
            labels={"x": {}},
            expressions={"y": "1"},
            timezone="UTC",
            keys={"a": "b"},
            entity="customer",
        )
    with pytest.raises(DefinitionError, match="'sales' of spend is taken by column sales of the spine"):
        store.training_set(spine=frame.withColumn("sales", F.lit(1)), features=["spend.sales"])
    with pytest.raises(UsageError, match="no folder"):
        headrace.open(project=str(shop.root / "nowhere"))
