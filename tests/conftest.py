"""The one Spark session all Spark tests share: the product's own settings, in temporary directories."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from pyspark.sql import SparkSession

from headrace.engine.session import open_session
from headrace.runner.signs_of_life import NAME
from headrace.settings import Settings, SparkSettings

# A session of all tests lives long enough for the optimising compiler to pay, which those of small runs go without.
JVM = "-XX:+UseSerialGC"

# Examples that take long say that the machine is busy.
hypothesis_settings.register_profile("patient", deadline=None)
hypothesis_settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _nobody_goes_on_giving_signs() -> Iterator[None]:
    """Whatever becomes of a run, its signs of life end with it."""
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session as `headrace` opens it; tests must leave its configuration as they found it."""
    home: Path = tmp_path_factory.mktemp("spark")
    conf = {
        "spark.driver.memory": "1500m",
        "spark.driver.extraJavaOptions": JVM,
        "spark.local.dir": str(home / "local"),
        "spark.sql.warehouse.dir": str(home / "warehouse"),
    }
    settings = Settings(lake=str(home / "lake"), spark=SparkSettings(master="local[2]", conf=conf))
    session = open_session(settings, log_file=home / "spark.log")
    yield session
    session.stop()
