"""Tables laid out by time: which partitions a span of event times can be in, and which rows lie where they should.

Where statistics tell files apart by their times (Delta), partitions decide nothing: a row counts wherever it lies.
Elsewhere only the partitions of a span are read, so rows further off than the slack never count, on no path.
"""

from headrace.engine.at import Span
from headrace.engine.tables import TableReader
from headrace.expressions import quote_identifier
from headrace.logical import Scan
from headrace.logical.scan import Partitioning
from headrace.timeline import parse_instant
from headrace.timeline.duration import UNITS_US
from headrace.timeline.instant import from_instant

# No zone is further than 26 hours from another, so local times pruned with this margin miss nothing.
ZONE_MARGIN_US = 26 * UNITS_US["h"]
# What files keep the smallest and the largest value of.
COMPARED = ("timestamp", "timestamp_ntz", "date")
_STRFTIME = {
    "yyyy-MM-dd": "%Y-%m-%d",
    "yyyyMMdd": "%Y%m%d",
    "yyyy-MM": "%Y-%m",
    "yyyyMM": "%Y%m",
    "yyyy": "%Y",
}
# SQL of a partition's first day as text, and of the first day after it.
_FIRST = {
    "yyyy-MM-dd": "{text}",
    "yyyyMMdd": "concat_ws('-', left({text}, 4), substr({text}, 5, 2), substr({text}, 7))",
    "yyyy-MM": "concat({text}, '-01')",
    "yyyyMM": "concat_ws('-', left({text}, 4), substr({text}, 5), '01')",
    "yyyy": "concat({text}, '-01-01')",
}
_AFTER = {"dd": "date_add({first}, 1)", "MM": "add_months({first}, 1)", "yyyy": "add_months({first}, 12)"}
# Years of four digits: beyond them text is not in the order of time, and no file is.
_FIRST_US, _LAST_US = (parse_instant(text) for text in ("1000-01-01", "9999-12-31"))


def decides(scan: Scan, tables: TableReader) -> Partitioning | None:
    """The layout of a table where partitions, not statistics, say which files a span of times needs."""
    layout = scan.partitioning
    if layout is None or scan.event_time is None:
        return None
    return None if tables.skips_files(scan.table, _type(scan, scan.event_time)) else layout


def partitions(scan: Scan, layout: Partitioning, span: Span) -> list[str]:
    """SQL conditions that the partitions of a span's rows meet."""
    kind, name = _type(scan, layout.column), quote_identifier(layout.column)
    margin = layout.slack_us + ZONE_MARGIN_US
    # Text that is not spelled in full is not in the order of time: such partitions are read, and their rows counted.
    misspelled = f" OR length({name}) <> {len(layout.format)}" if kind == "string" else ""
    found = []
    for sign, bound, away in ((">=", span.from_us, -margin), ("<=", span.to_us, margin)):
        if bound is not None and _FIRST_US <= bound + away <= _LAST_US:
            text = from_instant(bound + away).strftime(_STRFTIME[layout.format])
            literal = {"date": f"DATE'{text}'", "int": text, "bigint": f"{text}L"}.get(kind, f"'{text}'")
            found.append(f"({name} {sign} {literal}{misspelled})")
    return found


def within_slack(layout: Partitioning, us: str) -> str:
    """SQL condition that a row's instant is no further from its partition than the slack, and what zones may add.

    Rows that meet it lie in the `partitions` of every span that they are in: so text is spelled as the format has it.

    Args:
        layout: How files follow from event times.
        us: SQL of the row's instant, a bigint of microseconds.
    """
    text = f"cast({quote_identifier(layout.column)} as string)"
    first = f"try_cast({_FIRST[layout.format].format(text=text)} as date)"
    after = next(sql for end, sql in _AFTER.items() if layout.format.endswith(end)).format(first=first)
    margin, day = layout.slack_us + ZONE_MARGIN_US, UNITS_US["d"]
    spelled = f"date_format({first}, '{layout.format}') = {text}"
    there = f"{us} + {margin}L >= unix_date({first}) * {day}L AND {us} - {margin}L < unix_date({after}) * {day}L"
    return f"({spelled} AND {there} OR NOT {us} BETWEEN {_FIRST_US + margin}L AND {_LAST_US - margin}L)"


def _type(scan: Scan, name: str) -> str:
    return next(column.type for column in scan.columns if column.name == name)
