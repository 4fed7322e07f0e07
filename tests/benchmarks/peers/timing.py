"""Runs each way to the end, to Parquet, once to warm up and then again; prints both as JSON."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pyspark.sql import DataFrame

WARM = 1


def timed(folder: Path, ways: Mapping[str, Callable[[], DataFrame]]) -> None:
    """Prints `{way: [first run, fastest later run]}` in seconds; rows are left in a folder named as the way."""
    found = {}
    for name, run in ways.items():
        seconds = []
        for _ in range(1 + WARM):
            began = time.perf_counter()
            run().write.mode("overwrite").parquet(str(folder / name))
            seconds.append(time.perf_counter() - began)
        found[name] = [seconds[0], min(seconds[1:])]
    print(json.dumps(found), flush=True)
