"""What a run would do: the answer of `--dry-run`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a run would do; nothing was written.

    Attributes:
        what: The group with its version and the interval, or the training set.
        would: `compute`, or `nothing` where it is current.
        why: Why.
        sources: Version of every table that would be read.
    """

    what: str
    would: str
    why: str
    sources: Mapping[str, str] = field(default_factory=dict)

    def sentence(self) -> str:
        """The answer in one line."""
        if self.would == "nothing":
            return f"{self.what}: {self.why}, nothing to do"
        tables = ", ".join(f"{table} at {version}" for table, version in self.sources.items())
        return f"{self.what}: would be computed from {tables}: {self.why}"
