"""Columns of static tables: every asking row once, whatever the table holds, and a key twice is said."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from headrace.engine.as_of import static_lookup
from headrace.engine.spark_errors import translated
from headrace.errors import DataError

ASKING = [(1, "a"), (1, "a"), (2, "b"), (9, "c"), (None, "d")]
SCHEMA = "customer_id bigint, city string, tags map<string,int>"
TABLES: dict[str, tuple[list[tuple[Any, ...]], list[str | None]]] = {
    "one row a key": ([(1, "Bonn", {"x": 1}), (2, None, None)], ["Bonn", "Bonn", None, None, None]),
    "rows without a key": (
        [(1, "Bonn", None), (None, "Ulm", None), (None, "Kiel", None)],
        ["Bonn", "Bonn"] + 3 * [None],
    ),
    "no rows": ([], 5 * [None]),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_comes_back_once(spark: SparkSession, name: str) -> None:
    rows, cities = TABLES[name]
    asking = spark.createDataFrame(ASKING, "who int, note string")
    table = spark.createDataFrame(rows, SCHEMA)
    found = static_lookup(asking, table, [("customer_id", "who")], {"city": "town", "tags": "tags"}, "people")
    assert found.columns == ["who", "note", "town", "tags"]
    assert [row.town for row in sorted(found.collect(), key=lambda row: row.note)] == cities


@pytest.mark.parametrize("key", [1, 7])  # asked for, or not
def test_a_key_twice_fails_with_its_name(spark: SparkSession, key: int) -> None:
    asking = spark.createDataFrame(ASKING, "who int, note string")
    table = spark.createDataFrame([(key, "Bonn", None), (key, "Ulm", None), (2, "Kiel", None)], SCHEMA)
    found = static_lookup(asking, table, [("customer_id", "who")], {"city": "town"}, "people")
    with pytest.raises(DataError) as raised, translated("computing sets"):
        found.collect()
    said = f"computing sets: people: 2 rows have customer_id = {key}; a static feature table has one row a key"
    assert str(raised.value) == said


def test_rows_of_other_cases_are_no_copies(spark: SparkSession) -> None:
    asking = spark.createDataFrame([(1, 5), (2, 5)], "_case bigint, who bigint")
    table = spark.createDataFrame([(1, 5, "Bonn"), (2, 5, "Ulm")], "_case bigint, customer_id bigint, city string")
    found = static_lookup(asking, table, [("customer_id", "who")], {"city": "town"}, "people", ["_case"])
    assert sorted(map(tuple, found.collect())) == [(1, 5, "Bonn"), (2, 5, "Ulm")]
