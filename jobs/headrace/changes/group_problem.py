"""What keeps one group from being computed, as a plan tells it."""

from dataclasses import dataclass

from headrace.errors import AccessError, DataError, HeadraceError, UsageError

# What is wrong with one table or one definition. Anything else, such as a Spark that is gone, concerns all groups.
OF_ONE_TABLE = (UsageError, DataError, AccessError)


@dataclass(frozen=True, slots=True)
class GroupProblem:
    """Why a plan has no steps for a group.

    Attributes:
        group: The group.
        message: What is wrong and what to do, in one line that begins with group and version.
        kind: What it is to whoever runs the group; decides about the exit code.
        forbids: Whether nothing of the plan may be applied: somebody has to decide something first.
    """

    group: str
    message: str
    kind: type[HeadraceError]
    forbids: bool = False

    @property
    def error(self) -> HeadraceError:
        """The same as an exception."""
        return self.kind(self.message)


def unreadable(group: str, version: int, error: HeadraceError) -> GroupProblem:
    """The problem of a group one of whose tables cannot be read.

    Args:
        group: Its name.
        version: Its version.
        error: What the table's history said; one of `OF_ONE_TABLE`.
    """
    kind = next(kind for kind in OF_ONE_TABLE if isinstance(error, kind))
    return GroupProblem(group, f"{group}@{version}: {error}", kind)
