"""Options that are durations."""

from typing import TYPE_CHECKING

from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.timeline import Duration


def duration(option: str, text: str) -> "Duration":
    """What an option says.

    Raises:
        UsageError: It is no duration.
    """
    from headrace.timeline import Duration

    try:
        return Duration.parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
