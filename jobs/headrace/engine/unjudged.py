"""Which rows of a source no gate of a group has judged yet, by the instant from which they count."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Rows by the instant from which they count, in microseconds.

    Attributes:
        after_us: All that count after this instant; None is without bound.
        late: Of the others those of this stretch, both ends included: rows came there that nobody has seen. None is
            that none did.
    """

    after_us: int | None = None
    late: tuple[int, int] | None = None

    @property
    def begins_after_us(self) -> int | None:
        """None of the rows counts at this instant or before; None is without bound."""
        if self.after_us is None or self.late is None:
            return self.after_us
        return min(self.after_us, self.late[0] - 1)

    def sql(self, counts_us: str) -> str | None:
        """SQL: whether a row is one of them; None where all are.

        Args:
            counts_us: From when on the row counts, as SQL of type bigint.
        """
        if self.after_us is None:
            return None
        new = f"{counts_us} > {self.after_us}L"
        return new if self.late is None else f"({new} OR {counts_us} BETWEEN {self.late[0]}L AND {self.late[1]}L)"


ALL = Unjudged()
