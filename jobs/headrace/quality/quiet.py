"""Keeps Great Expectations quiet, and its slow import where it costs nothing."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.logger import PySparkLogger

# Great Expectations logs what it also reports; Spark logs whole stack traces of errors it also raises.
_SPARK_LOGGERS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")


@contextmanager
def quietly() -> Iterator[None]:
    """Silences what only repeats results, for the time of the call."""
    spark = [PySparkLogger.getLogger(name) for name in _SPARK_LOGGERS]  # another getLogger would break them
    loggers = [logging.getLogger("great_expectations"), *spark]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def import_great_expectations() -> None:
    """Imports what a gate needs; it takes seconds the first time."""
    before = warnings.showwarning
    import headrace.quality.one_pass
    import headrace.quality.suites  # noqa: F401

    if warnings.showwarning is not before:
        # Its import sends the warnings of the whole process to logging.
        logging.captureWarnings(False)


def warm_up() -> None:
    """Starts that import in the background, while Spark starts or reads."""
    threading.Thread(target=import_great_expectations, name="great-expectations", daemon=True).start()
