"""Which staged results `maintain` frees: not those of a run that says it is at work. No JVM."""

import time
from types import SimpleNamespace
from typing import Any

from headrace.runner.maintaining import Maintained, _free_staging, _Work
from headrace.runner.progress import Step
from headrace.timeline import Duration


class Staging:
    can_free = True

    def __init__(self) -> None:
        self.freed: list[str] = []

    def orphans(self, older_than: Duration) -> list[str]:
        return ["dead", "dead-members", "alive", "alive-spine"]

    def size(self, run_id: str) -> tuple[int, int]:
        return 1, 10

    def discard(self, run_id: str) -> None:
        self.freed.append(run_id)


def test_who_reads_for_long_keeps_what_it_has_staged() -> None:
    staging, asked = Staging(), list[int]()

    def runs_since(us: int) -> set[str]:
        asked.append(us)
        return {"alive"}

    work: Any = SimpleNamespace(staging=staging, ledger=SimpleNamespace(runs_since=runs_since))
    shared = _Work(work, None, Duration.parse("1h"), Maintained())
    _free_staging(shared, Step())
    assert staging.freed == ["dead", "dead-members"] == shared.done.staged
    (since_us,) = asked
    assert 0 <= time.time_ns() // 1000 - Duration.parse("1h").us - since_us < 60_000_000
