"""The instant that a snapshot is computed at."""

from dataclasses import dataclass, replace
from typing import Self

AT_COLUMN = "_at_us"


@dataclass(frozen=True, slots=True)
class At:
    """One instant for all rows, or each row's own in the column `_at_us`.

    Attributes:
        instant_us: The instant in microseconds; None means that rows bring their own.
    """

    instant_us: int | None

    @property
    def sql(self) -> str:
        """The instant as Spark SQL of type bigint."""
        return f"`{AT_COLUMN}`" if self.instant_us is None else f"{self.instant_us}L"

    def minus(self, us: int) -> str:
        """The instant `us` earlier as Spark SQL of type bigint."""
        return f"(`{AT_COLUMN}` - {us}L)" if self.instant_us is None else f"{self.instant_us - us}L"


@dataclass(frozen=True, slots=True)
class Span:
    """The events that a computation needs.

    Attributes:
        from_us: Earliest event time, or None.
        to_us: Event times lie before it, or None.
        known_by_us: Events that count only after it are left out; None leaves out none.
    """

    from_us: int | None = None
    to_us: int | None = None
    known_by_us: int | None = None

    @classmethod
    def up_to(cls, at_us: int, reach_us: int | None) -> Self:
        """What counts at an instant, no older than `reach_us`."""
        return cls(None if reach_us is None else at_us - reach_us, at_us, at_us)

    def earlier(self, us: int | None) -> Self:
        """The same from `us` earlier on; None is without bound."""
        return replace(self, from_us=None if self.from_us is None or us is None else self.from_us - us)


EVERYTHING = Span()
