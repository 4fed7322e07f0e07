"""One process that materializes an interval, or a bare one beside it that only reads and commits: `small_run.py`.

Run as `small_run.py headrace PROJECT INTERVAL` or `small_run.py bare PROJECT`.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def materialize(root: Path, interval: str) -> None:
    """Materializes an interval and says of each step how long it took, and how many Spark jobs."""
    from headrace.runner.materialize import materialize_interval
    from headrace.runner.progress import Progress, Step
    from headrace.runner.workspace import Workspace

    def note(label: str, began: float, jobs: int) -> None:
        print(f"{time.perf_counter() - began:.3f}\t{jobs}\t{label}", flush=True)

    class Counted(Progress):
        """Notes every step with its jobs."""

        @contextmanager
        def step(self, label: str) -> Iterator[Step]:
            began, jobs = time.perf_counter(), _jobs()
            yield Step()
            note(label, began, _jobs() - jobs)

    began = time.perf_counter()
    work = Workspace.open(root)
    tracker = work.spark.sparkContext.statusTracker()

    def _jobs() -> int:
        return max(tracker.getJobIdsForGroup(), default=-1) + 1

    note("lint and start Spark", began, 0)
    began = time.perf_counter()
    materialize_interval(work, "paying", interval, Counted())
    note("everything between", began, _jobs())


def bare(root: Path) -> None:
    """What no run can do without: the session as Headrace starts it, the table read, one commit."""
    from headrace.engine.session import open_session
    from headrace.settings import load

    spark = open_session(load(root, "conf/local.yaml"))
    payments = spark.read.format("delta").load(str(root / "data" / "payments"))
    paid = payments.groupBy("account").sum("amount").withColumnRenamed("sum(amount)", "paid")
    paid.write.format("delta").mode("overwrite").save(str(root / "lake" / "bare"))


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        bare(Path(sys.argv[2]))
    else:
        materialize(Path(sys.argv[2]), sys.argv[3])
