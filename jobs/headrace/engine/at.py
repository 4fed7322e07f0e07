"""The instant that a snapshot is computed at."""

from dataclasses import dataclass

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
    """Event times that a computation needs, `[from_us, to_us)`; None is without bound."""

    from_us: int | None = None
    to_us: int | None = None

    def wider(self, us: int) -> "Span":
        """The same with `us` more before it."""
        return Span(None if self.from_us is None else self.from_us - us, self.to_us)
