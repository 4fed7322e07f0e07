"""Values that a query gives, as JSON has them."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

from pyspark.sql import Row

from headrace.cli.tables import as_json_value

SHOP = """
kind: entity
name: é
keys: {id: bigint}
"""


def test_numbers_that_json_has_not() -> None:
    values = {"a": [math.nan, math.inf, -math.inf, 1.5], "b": Row(x=1, y=Row(z=math.nan))}
    found = {"a": ["NaN", "Infinity", "-Infinity", 1.5], "b": {"x": 1, "y": {"z": "NaN"}}}
    assert json.loads(json.dumps(as_json_value(values), allow_nan=False)) == found


def test_a_terminal_that_lacks_a_character(tmp_path: Path) -> None:
    (tmp_path / "feature_defs").mkdir()
    (tmp_path / "feature_defs" / "up.YAML").write_text(SHOP, encoding="utf-8")
    command = [sys.executable, "-m", "headrace", "--project", str(tmp_path), "lint"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).parents[2] / "jobs")}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 2, done.stderr
    assert r"'\xe9' is not a name" in done.stdout + done.stderr
