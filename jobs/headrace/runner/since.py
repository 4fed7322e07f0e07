"""What of a run's tables is other than what earlier runs read: gates and tiles ask the same."""

from collections.abc import Mapping

from headrace.logical import Instants
from headrace.runner.run import Judged, Run
from headrace.storage import SourceChange, log_since


def source_change(run: Run, instants: Instants, judged: Judged) -> SourceChange | None:
    """What changed in a table since a version of it was read; None where nothing did that anybody can tell.

    What is asked more than once of a run is looked up once.

    Args:
        run: The run, whose versions are pinned.
        instants: The table, and how its rows get their instants.
        judged: What was read of it.
    """
    table = instants.input.table
    if is_another(run, table, judged.places):
        return SourceChange(None, is_another=True)
    old = judged.versions.get(table, "")
    # Columns that are not times do not matter here, and who asks reads other ones.
    times = (instants.event_time, instants.timezone, instants.available_at, instants.delay_us)
    if (table, old, times) not in run.changes:
        run.changes[table, old, times] = log_since(run.work.lake, instants, old, run.versions[table])
    return run.changes[table, old, times].seen(judged.read_at_us)


def is_another(run: Run, table: str, places: Mapping[str, str]) -> bool:
    """Whether a table was another one when it was read at a place, as far as anybody can rule that out."""
    return run.work.lake.is_another(table, places.get(table)) is not False


def are_other_files(run: Run, table: str, versions: Mapping[str, str]) -> bool:
    """Whether a table is of files, and these were others when it was read: any row may have changed."""
    now = run.versions[table].version
    return not now.isdecimal() and versions.get(table) != now
