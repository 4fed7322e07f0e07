"""The kernel alone, for a training set's features and then its label, to the noop sink; prints seconds as JSON.

`spark-submit --py-files ... training_set_kernel.py PROJECT CONF NAME`; what the product adds to this is staging, gates,
checksum and the table's commit.
"""

import json
import sys
import time
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.spines import INSTANT, spine_rows
from headrace.runner.training_sets.definitions import node_of
from headrace.runner.training_sets.inputs import tables
from headrace.runner.workspace import Workspace

project, conf, name = sys.argv[1:]
work = Workspace.open(Path(project), conf)
node = node_of(work, work.training_set(name).spec)
reading = Reading(work.lake, {table: work.lake.version(table) for table in tables(node)})
spine = spine_rows(node.spine, reading)
features, label = [lookup.features for lookup in node.lookups], node.labels[0]


def asked(shift_us: int) -> DataFrame:
    return spine.withColumn("asked", F.expr(f"timestamp_micros({INSTANT} + {shift_us}L)")).drop(INSTANT)


found = {}
for part, sets, shift_us in (("features", features, 0), ("label", [label.features], label.end_us)):
    began = time.perf_counter()
    point_in_time(sets, asked(shift_us), "asked", reading).write.format("noop").mode("overwrite").save()
    found[part] = time.perf_counter() - began
print(json.dumps(found), flush=True)
