"""Tables laid out by time: where partitions decide which rows count."""

import pytest

from headrace.engine.given import GivenTables
from headrace.engine.partitioned import decides
from headrace.logical import Column
from headrace.logical.scan import Partitioning, Scan


@pytest.mark.parametrize("kind", ["timestamp", "timestamp_ntz", "date", "string"])
def test_rows_that_a_test_gives_lie_in_no_partition(kind: str) -> None:
    layout = Partitioning("dt", "yyyy-MM-dd", 86_400_000_000)
    scan = Scan("sales", "raw.sales", (Column("at", kind), Column("dt", "string")), "at", "UTC", layout)
    assert decides(scan, GivenTables({})) is None
