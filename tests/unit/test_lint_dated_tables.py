"""Lint: feature tables with a time, and what only they can say."""

from pathlib import Path

import pytest

from tests.unit.lint_case import check

UNKNOWN = "unknown-column"
COLUMNS = "product_id: bigint, price: double, since: timestamp, day: date, local: timestamp_ntz, text: string, tags: 'map<string,int>'"


def dated(*lines: str, columns: str = COLUMNS) -> str:
    """A feature table with these lines after its columns."""
    head = f"kind: feature_table\nname: t\nentity: product\ntable: raw.t\ncolumns: {{{columns}}}\n"
    return head + "".join(f"{line}\n" for line in lines)


CASES = {
    "unknown time": (dated("time: «sinc»"), (UNKNOWN, "t: 'sinc' is not a column of t; did you mean 'since'?")),
    "time that is none": (
        dated("time: «price»"),
        ("time-type", "'price' is double, which is no time; take a timestamp, timestamp_ntz, date or string"),
    ),
    "local time without a zone": (
        dated("time: «local»"),
        ("timezone-missing", "'local' is timestamp_ntz, a time without a zone; add `timezone:`, for example Europe/Berlin"),
    ),
    "date without a zone": (dated("time: «day»"), ("timezone-missing", "'day' is date, a time without a zone")),
    "text without a zone": (dated("time: «text»"), ("timezone-missing", "'text' is string, a time without a zone")),
    "an instant with a zone": (
        dated("time: since", "timezone: «Europe/Berlin»"),
        ("timezone-not-needed", "'since' is timestamp, which is an instant and has no other zone; remove it"),
    ),
    "no such zone": (dated("time: day", "timezone: «Berlin»"), ("invalid-value", "'Berlin' is not a time zone")),
    "unknown arrival": (dated("time: since", "available_at: «hree»"), (UNKNOWN, "'hree' is not a column of t")),
    "arrival that is no time": (
        dated("time: since", "available_at: «tags»"),
        ("available-at-type", "'tags' is map<string,int>, which is no time; take a timestamp, timestamp_ntz or"),
    ),
    "arrival without a zone": (
        dated("time: since", "available_at: «local»"),
        ("timezone-missing", "'local' is timestamp_ntz, a time without a zone"),
    ),
    "arrival on a day": (
        dated("time: since", "timezone: UTC", "available_at: «day»"),
        (
            "available-at-date",
            ("t: 'day' is a date, and what arrived on a day is only known when it is over; take a column with the time of "
            "arrival; where there is none, store the midnight that ends the day"),
        ),
    ),
    "age without time": (
        dated("«max_age»: 90d"),
        ("time-missing", "t: `max_age` needs `time`: without it a table is static and has one row an entity; add `time:`"),
    ),
    "arrival without time": (dated("«available_at»: since"), ("time-missing", "`available_at` needs `time`")),
    "zone without time": (dated("«timezone»: UTC"), ("time-missing", "`timezone` needs `time`")),
    "ties without time": (dated("«tie_breaker»: price"), ("time-missing", "`tie_breaker` needs `time`")),
    "misspelt time": (
        dated("«tme»: since", "max_age: 90d"),
        ("unknown-field", "'tme' is not a field here; did you mean 'time'?"),
    ),
    "no duration": (dated("time: since", "max_age: «90 days»"), ("invalid-value", "max_age: '90 days' is not a duration")),
    "unknown tie breaker": (
        dated("time: since", "tie_breaker: [price, «Text»]"),
        (UNKNOWN, "'Text' is not a column of t; did you mean 'text'?"),
    ),
    "tie breaker without order": (
        dated("time: since", "tie_breaker: «tags»"),
        ("column-type", "'tags' is map<string,int>, which has no order; take a column of a simple type"),
    ),
    "a list of maps": (
        dated("time: since", columns="product_id: bigint, since: timestamp, tags: '«array<map<string,int>>»'"),
        ("column-type", "'tags' is array<map<string,int>>, so nothing tells which of two rows of the same time is the last"),
    ),
    "a map of maps": (
        dated("time: since", columns="product_id: bigint, since: timestamp, tags: '«map<string,map<string,int>>»'"),
        ("column-type", "'tags' is map<string,map<string,int>>, so nothing tells which of two rows"),
    ),
    "no key": (
        "kind: feature_table\nname: t\nentity: product\ntable: raw.t\ntime: at\n«columns»: {at: timestamp, price: double}\n",
        ("missing-key", "t: t has no column 'product_id', which is a key of product"),
    ),
}  # fmt: skip

FINE = {
    "an instant": dated("time: since"),
    "all of it": dated("time: since", "available_at: since", "max_age: 5.5s", "tie_breaker: [price, text]"),
    "a local time": dated("time: local", "timezone: America/New_York"),
    "a date needs no delay": dated("time: day", "timezone: UTC"),
    "text": dated("time: text", "timezone: UTC"),
    "an instant that arrives zone-less": dated("time: since", "available_at: local", "timezone: UTC"),
    "a map of maps in a static table": dated(columns="product_id: bigint, tags: 'map<string,map<string,int>>'"),
    "an enrichment from it": dated("time: since")
    + "---\nkind: source\nname: s\ntable: raw.s\nevent_time: at\ncolumns: {product_id: bigint, at: timestamp}\n"
    "enrich: [{from: t, on: {product_id: product_id}, columns: [price, since]}]\nwhere: price > 1 and since < at\n",
}


@pytest.mark.parametrize(("snippet", "expected"), CASES.values(), ids=CASES)
def test_dated_tables(tmp_path: Path, snippet: str, expected: tuple[str, str]) -> None:
    check(tmp_path, snippet, expected)


@pytest.mark.parametrize("snippet", FINE.values(), ids=FINE)
def test_nothing_is_wrong_with(tmp_path: Path, snippet: str) -> None:
    check(tmp_path, snippet)
