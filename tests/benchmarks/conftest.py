"""The session of benchmarks over large data; `tests/conftest.py` has the one that small runs get."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.benchmarks import point_in_time as ways


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session and generated data live."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def spark(home: Path) -> Iterator[SparkSession]:
    """A session as backfills and training sets get it."""
    session = ways.session(str(home))
    yield session
    session.stop()
