"""How far plans have looked: up to which versions of tables nothing changed that stored snapshots could have seen.

Logs of sources are cleaned up after a while. A snapshot that nothing touches keeps the versions that it was computed
from; what a plan found of it is on record, so that the next plan begins there and not where no log tells any more.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from headrace.changes.ledger_row import LedgerRow
from headrace.timeline import Interval, consecutive, format_instant, parse_instant
from headrace.version import __version__


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a plan looked at one table.

    Attributes:
        version: The version up to which its log was read.
        spans: First and last instant of consecutive intervals, in order. What a snapshot of one of them could see is
            the same at this version as it was at the one that the plan found it computed from; and so it is for
            snapshots of it that are computed from versions in between.
        place: Where the table was; None where nobody wrote that down.
        roles: The ways in which snapshots see the table that the plan knew, as `Influence.role` has them; none where
            nobody wrote them down.
    """

    version: str
    spans: tuple[tuple[int, int], ...]
    place: str | None = None
    roles: frozenset[str] = frozenset()

    @classmethod
    def of(cls, version: str, intervals: Iterable[Interval], place: str, roles: frozenset[str]) -> "Seen":
        """Of some intervals, oldest first."""
        spans = tuple((run[0].start_us, run[-1].end_us) for run in consecutive(intervals))
        return cls(version, spans, place, roles)

    def holds_for(self, roles: frozenset[str]) -> bool:
        """Whether it says something of snapshots that see the table in these ways: of others a change is news."""
        return roles <= self.roles if self.roles else len(roles) <= 1

    def has(self, interval: Interval) -> bool:
        """Whether it says anything of an interval."""
        place = bisect_right(self.spans, (interval.start_us, interval.end_us)) - 1
        near = self.spans[max(place, 0) : place + 2]
        return any(first <= interval.start_us and interval.end_us <= last for first, last in near)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a plan found of the snapshots of one version of a group.

    Attributes:
        group: The group.
        version: Its version.
        recorded_at_us: When it was put on record, not before the plan looked; in a plan, the instant it was made for.
        tables: How far it looked at each table, by logical name.
    """

    group: str
    version: int
    recorded_at_us: int
    tables: Mapping[str, Seen]

    def holding_for(self, roles: Mapping[str, frozenset[str]]) -> "Checked":
        """The same of tables of which it still says something.

        Args:
            roles: In which ways snapshots see each table by now.
        """
        tables = {table: seen for table, seen in self.tables.items() if seen.holds_for(roles.get(table, frozenset()))}
        return replace(self, tables=tables)

    def row(self, run_id: str) -> LedgerRow:
        """As the ledger has it."""
        spans = {
            table: [[format_instant(us) for us in span] for span in seen.spans] for table, seen in self.tables.items()
        }
        return LedgerRow(
            self.group,
            self.version,
            "features",
            None,
            0,
            "checked",
            run_id,
            self.recorded_at_us,
            __version__,
            fingerprints={table: " ".join(sorted(seen.roles)) for table, seen in self.tables.items() if seen.roles},
            source_versions={table: seen.version for table, seen in self.tables.items()},
            report=json.dumps(spans),
            source_places={table: seen.place for table, seen in self.tables.items() if seen.place is not None},
        )

    @classmethod
    def of(cls, row: LedgerRow) -> "Checked":
        """What a row of the ledger says."""
        tables = {
            table: Seen(
                row.source_versions[table],
                tuple((parse_instant(first), parse_instant(last)) for first, last in spans),
                row.source_places.get(table),
                frozenset(row.fingerprints.get(table, "").split()),
            )
            for table, spans in json.loads(row.report or "{}").items()
        }
        return cls(row.group, row.version, row.recorded_at_us, tables)
