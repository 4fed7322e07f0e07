"""What is said of rows that never count, or whose instant was a choice."""

from collections.abc import Iterator, Mapping

# Of a source that the group's own is rolled up from.
HELD_BACK = "held_back"
_SAID: Mapping[str, tuple[str, str]] = {
    "ambiguous_time": (
        "{} row of {} has an ambiguous local time: the earlier offset was taken",
        "{} rows of {} have an ambiguous local time: the earlier offset was taken",
    ),
    "missing_time": (
        "{} row of {} has a local time that the clocks skipped: it was shifted forward",
        "{} rows of {} have a local time that the clocks skipped: they were shifted forward",
    ),
    "never_visible": (
        "{} row of {} has no time of arrival: it never counts",
        "{} rows of {} have no time of arrival: they never count",
    ),
    "misplaced": (
        "{} row of {} lies further from its partition's time than the slack: it never counts",
        "{} rows of {} lie further from their partition's time than the slack: they never count",
    ),
    "too_late": (
        "{} row became visible too late for its event of {}: it was left out",
        "{} rows became visible too late for their events of {}: they were left out",
    ),
    HELD_BACK: ("{} row of {} was held back", "{} rows of {} were held back"),
}


def told(counts: Mapping[str, int]) -> Iterator[str]:
    """A line for each kind of row that a source has.

    Args:
        counts: Rows by `<source>.<kind>`.
    """
    for name, rows in counts.items():
        source, _, kind = name.rpartition(".")
        one, several = _SAID[kind]
        yield (one if rows == 1 else several).format(f"{rows:,}", source)
