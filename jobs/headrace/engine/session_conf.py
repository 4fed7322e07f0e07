"""The configuration of a session: what is pinned as values depend on it, what makes small runs quick."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from headrace.engine import delta_jars
from headrace.errors import UsageError
from headrace.settings import Settings

Profile = Literal["small", "large"]

PINNED: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.caseSensitive": "false",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # Else the lines of a CSV that a filter drops are never held against the declared types.
    "spark.sql.csv.filterPushdown.enabled": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.sources.partitionOverwriteMode": "STATIC",
    "spark.databricks.delta.replaceWhere.constraintCheck.enabled": "true",
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    # Else versions older than a week are refused although their files are there, and nothing is filled or rebuilt.
    "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": "false",
}
# These change what expressions mean, so none of them is allowed rather than each of them pinned.
FORBIDDEN = ("spark.sql.legacy.", "spark.sql.parser.escapedStringLiterals")

# Planning: the constraints that Spark infers from conditions and aliases grow exponentially with the steps of a plan
# that computes columns of columns, as ours do: minutes for a training set of ten features. Our filters say enough.
PLANNING: Mapping[str, str] = {"spark.sql.constraintPropagation.enabled": "false"}

DELTA: Mapping[str, str] = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
QUIET: Mapping[str, str] = {"spark.ui.showConsoleProgress": "false"}
SMALL: Mapping[str, str] = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
    # A daily run compiles more than the 100 classes that Spark keeps by default, so each run would do it all again.
    "spark.sql.codegen.cache.maxEntries": "4000",
    # Else a vacuum lists the smallest table in ten thousand tasks: half a minute on two cores.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
}
# Where much is computed: tasks that are short enough to end together, and the compiler that pays after a minute.
TASKS_A_CORE = 4
# A Spark on this machine only: no need of a resolvable host name, nor of a port that others can reach.
LOCAL: Mapping[str, str] = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
# The optimising compiler costs seconds that a run of half a minute never earns back (26 s against 20 s). Without it
# a JVM keeps 48 MB of compiled code, which Spark fills in three minutes: then it throws code away and compiles it anew.
SMALL_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"


def user_conf(settings: Settings) -> dict[str, str]:
    """What the settings file says under `spark.conf`, secret references unresolved.

    Raises:
        UsageError: A key contradicts what Headrace pins.
    """
    for key, value in settings.spark.conf.items():
        if key.startswith(FORBIDDEN):
            raise UsageError(f"spark.conf: {key} changes what expressions mean", hint="remove it")
        wanted = PINNED.get(key)
        if wanted is not None and str(value).lower() != wanted.lower():
            raise UsageError(
                f"spark.conf: {key} is {value}, but Headrace pins it to {wanted}, since values depend on it",
                hint="remove it",
            )
    return {key: str(value) for key, value in settings.spark.conf.items()}


def launch_conf(settings: Settings, profile: Profile) -> dict[str, str]:
    """The configuration of a Spark that Headrace starts itself; the user's wins over what is only quick."""
    user = user_conf(settings)
    conf = {**QUIET, **DELTA}
    if profile == "small" or is_local(settings):
        conf |= SMALL
    if is_local(settings):
        conf |= LOCAL
        if profile == "small":
            conf["spark.driver.extraJavaOptions"] = SMALL_JVM
        else:
            conf["spark.sql.shuffle.partitions"] = str(TASKS_A_CORE * _cores(settings))
    if settings.schema_ is None:
        # Tables are paths, so neither a metastore nor its `spark-warehouse` directory is needed.
        conf["spark.sql.catalogImplementation"] = "in-memory"
        conf["spark.sql.warehouse.dir"] = str(Path(gettempdir()) / "headrace-warehouse")
    conf |= user
    conf |= PINNED
    return conf | delta_jars.conf(user, on_class_path=is_local(settings))


def _cores(settings: Settings) -> int:
    named = re.match(r"local\[(\d+)", settings.spark.master or "")
    return max(int(named[1]), 1) if named else os.cpu_count() or 1


def is_local(settings: Settings) -> bool:
    """Whether driver and executors are one process on this machine."""
    return (settings.spark.master or "").startswith("local")
