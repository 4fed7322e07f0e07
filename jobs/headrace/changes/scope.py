"""How far a plan looks: whoever needs less of it does not pay for more."""

from collections.abc import Collection
from dataclasses import dataclass

from headrace.timeline import Interval


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan is about.

    Attributes:
        groups: The groups; None is all.
        from_us: Intervals that begin before are left out; None is no bound.
        to_us: Intervals that end after are left out; None is no bound.
        compares: Whether rows are compared where a log leaves it open if a commit changed any; else the snapshots that
            it may have changed are suspects, which is told in a moment, however much was written.
    """

    groups: Collection[str] | None = None
    from_us: int | None = None
    to_us: int | None = None
    compares: bool = True

    def has_group(self, name: str) -> bool:
        """Whether a group is part of it."""
        return self.groups is None or name in self.groups

    def has_interval(self, interval: Interval) -> bool:
        """Whether an interval is part of it."""
        is_early = self.from_us is not None and interval.start_us < self.from_us
        return not is_early and (self.to_us is None or interval.end_us <= self.to_us)


ALL = Scope()
