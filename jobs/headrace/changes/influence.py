"""Which snapshots a changed row can be in: from the row's times, through what a group does with its source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headrace.changes.source_history import Touched
from headrace.logical import AsOf, Deduplicate, Enrich, FeatureSet, Instants, RollUp, Rows, Scan
from headrace.logical.fingerprint import fingerprint
from headrace.logical.pruning import instants_of, pruned_features, scans_of


@dataclass(frozen=True, slots=True)
class Influence:
    """A table that values depend on.

    Attributes:
        table: Its logical name.
        instants: Which of its columns are read, and how its rows get their instants; None of a static table, whose
            changes dirty nothing.
        tail_us: How long after its event time a row can matter; None is without end.
    """

    table: str
    instants: Instants | None
    tail_us: int | None

    @property
    def role(self) -> str | None:
        """A digest of all that decides which snapshots a change of the table can be in; None where it can be in none.

        Which columns are read is not in it.
        """
        if self.instants is None:
            return None
        times = self.instants
        return fingerprint([times.event_time, times.timezone, times.available_at, times.delay_us, self.tail_us])

    def snapshots_of(self, touched: Touched) -> tuple[int | None, int | None]:
        """The first and the last instant whose snapshots a touched row can be in, both included; None is no bound.

        That is `[counts_from, event_time + reach]`: an event of the window's first instant is still in it.
        """
        if self.instants is None or touched.first_us is None:
            return None, None
        first_us = touched.first_us + max(1, self.instants.delay_us)
        if self.instants.available_at is not None and touched.arrived_us is not None:
            first_us = max(first_us, touched.arrived_us)
        if self.tail_us is None or touched.last_us is None:
            return first_us, None
        return first_us, touched.last_us + self.tail_us


def influences(features: FeatureSet) -> tuple[Influence, ...]:
    """The tables that a group's values depend on, the one of its events first."""
    return tuple(dict.fromkeys(_through(pruned_features(features).events, features.reach_us)))


def roles_of(found: Sequence[Influence]) -> dict[str, frozenset[str]]:
    """In which ways snapshots see each table, by its logical name: as events, as what these look up, …."""
    roles: dict[str, set[str]] = {influence.table: set() for influence in found}
    for influence in found:
        if influence.role is not None:
            roles[influence.table].add(influence.role)
    return {table: frozenset(of) for table, of in roles.items()}


def _through(node: Rows, tail_us: int | None) -> Iterator[Influence]:
    match node:
        case Instants():
            yield Influence(node.input.table, node, tail_us)
        case RollUp():
            # Another first row moves the event by up to a span, and its time is that row's plus a span.
            yield from _through(node.input, _longer(tail_us, 2 * node.span_us))
        case Deduplicate():
            # Where a copy goes, a later one comes back; by its arrival it is near, by its own time it may be anywhere.
            is_late = instants_of(node).available_at is not None
            yield from _through(node.input, None if is_late else _longer(tail_us, node.within_us))
        case Enrich():
            yield from _through(node.input, tail_us)
            yield Influence(scans_of(node.table)[0].table, None, 0)
        case AsOf():
            yield from _through(node.input, tail_us)
            holds_us = None if node.max_age_us is None else _longer(tail_us, node.max_age_us)
            yield from _through(node.table, holds_us)
        case Scan():
            yield Influence(node.table, None, 0)
        case _:
            yield from _through(node.input, tail_us)


def _longer(tail_us: int | None, by_us: int) -> int | None:
    return None if tail_us is None else tail_us + by_us
