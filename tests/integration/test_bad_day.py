"""What docs/operations.md says of a bad day, told in order: a closed gate, what it holds up, and each way out of it."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import CONF, CUSTOMER_AND_SALES, SCHEMA, Outcome, Shop

#        a commit a day; the second one has a sale that cannot be
DAYS = [
    (1, 10.0, "pear", "2024-01-02T10:00:00Z"),
    (1, -5.0, "typo", "2024-01-03T09:00:00Z"),
    (2, 5.0, "plum", "2024-01-04T09:00:00Z"),
]
GATE = "expect_column_values_to_be_between: {column: amount, min_value: 0}"
GROUP = """
---
kind: feature_group
name: {name}
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-02
features: {{sales: {{aggregate: count, window: 3d}}}}
"""
DEFINITIONS = CUSTOMER_AND_SALES + f"expectations: [{GATE}]\n" + GROUP.format(name="visits")


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.open(tmp_path_factory.mktemp("bad_day") / "shop", DEFINITIONS, CONF)
    for day in DAYS:
        rows = spark.createDataFrame([(*day[:3], datetime.fromisoformat(day[3]))], SCHEMA)
        rows.write.format("delta").mode("append").save(str(shop.root / "data" / "sales"))
    return shop


def applied(shop: Shop, now: str) -> Outcome:
    """`headrace apply` as on that day."""
    file = shop.root / "plan.json"
    assert shop.headrace(f"plan --now {now} --out {file}").code == 0
    return shop.headrace(f"apply {file}")


def status(shop: Shop, group: str = "visits") -> list[str]:
    out = shop.headrace(f"status {group}")
    assert out.code == 0, out.err
    return out.out.splitlines()


def told(lines: list[str], kind: str) -> list[str]:
    return [line.split(None, 1)[1] for line in lines if line.split()[0] == kind]


def test_a_closed_gate_says_where_to_look(shop: Shop) -> None:
    done = applied(shop, "2024-01-04")
    assert done.code == 3
    assert "visits@1 2024-01-02: 1 rows in " in done.out
    (failed,) = [line for line in done.err.splitlines() if line.startswith("failed: ")]
    assert failed.startswith("failed: visits@1 2024-01-03: visits 2024-01-03: ")
    page = next(word for word in done.err.split() if word.endswith(".html"))
    assert Path(page).is_file()
    assert Path(page).is_relative_to(shop.root / "lake" / "_headrace" / "data_docs")
    (reason,) = told(status(shop), "failed")
    assert reason.startswith("2024-01-03: attempt 1, ")
    assert "amount" in reason


def test_the_days_after_it_wait(shop: Shop) -> None:
    """The next plan tries the bad day first; by itself a later one meets the same rows at its gate."""
    assert applied(shop, "2024-01-05").code == 3
    later = shop.headrace("materialize --group visits --interval 2024-01-04")
    assert (later.code, "amount" in later.error) == (3, True), later.err
    assert [line.partition(":")[0] for line in told(status(shop), "failed")] == ["2024-01-03", "2024-01-04"]


def test_more_than_three_due_days_wait_together(shop: Shop) -> None:
    """They are one pass and one commit: also a good day before the bad one is not written."""
    with shop.edited(("name: visits\nversion: 1", "name: visits\nversion: 2")):
        done = applied(shop, "2024-01-06")
        assert (done.code, "the gate of 2024-01-03 is closed" in done.err) == (3, True), done.err
        states = json.loads(shop.headrace("status visits --format json").out)
    assert [(state["group"], state["intervals"]) for state in states] == [("visits@1", 1), ("visits@2", 0)]
    reasons = [failure["reason"] for failure in states[1]["failures"]]
    assert [("amount" in reason, "the gate of 2024-01-03 is closed" in reason) for reason in reasons] == [
        (False, True), (True, False), (False, True), (False, True),
    ]  # fmt: skip


def test_quarantine_asks_for_a_version_of_every_group(shop: Shop) -> None:
    held_back = "min_value: 0, severity: warning, on_failure: quarantine}"
    with shop.edited(("min_value: 0}", held_back)):
        refused = shop.headrace("plan --format json")
    (problem,) = json.loads(refused.out)["problems"]
    assert "without a new version" in problem


def test_a_warning_lets_it_pass(shop: Shop) -> None:
    """Only a gate changes: what is there stays, and what failed is due."""
    shop.edit(("min_value: 0}", "min_value: 0, severity: warning}"))
    done = applied(shop, "2024-01-05")
    assert done.code == 0, done.err
    assert [line.split(":")[0] for line in done.out.splitlines() if " rows in " in line] == [
        "visits@1 2024-01-03",
        "visits@1 2024-01-04",
    ]
    (state, _) = json.loads(shop.headrace("status visits --format json").out)
    assert (state["group"], state["intervals"], state["failed"]) == ("visits@1", 3, [])


def test_status_knows_what_is_no_longer_defined(shop: Shop) -> None:
    """Until it is retired."""
    with shop.edited(("name: visits\n", "name: trips\n")):
        retire = "no longer defined: headrace retire visits@1 deletes it"
        assert retire in told(shop.headrace("status").out.splitlines(), "stored")
        assert retire in told(status(shop), "stored")
        for version in (1, 2):
            assert shop.headrace(f"retire visits@{version}").code == 0
        assert "visits" not in shop.headrace("status").out
        gone = shop.headrace("status visits")
        assert (gone.code, "there is no feature group 'visits'" in gone.error) == (2, True), gone.err
