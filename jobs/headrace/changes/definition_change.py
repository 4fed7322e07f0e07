"""What changed in a group's definition since its tables were computed, and whether that is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.logical.fingerprint import GROUP


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """Output columns that were added, removed or given another meaning.

    Attributes:
        added: New columns.
        removed: Columns that are gone.
        changed: Columns whose values would differ.
        keys_or_grid: Whether the keys or the grid changed, which changes everything.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    keys_or_grid: bool = False

    @property
    def needs_version(self) -> bool:
        """Whether stored values would no longer be what the definition says."""
        return bool(self.removed or self.changed or self.keys_or_grid)

    def sentence(self) -> str:
        """The change in words: `spend_7d changed; trips added`."""
        parts = [
            f"{', '.join(names)} {verb}"
            for names, verb in ((self.changed, "changed"), (self.removed, "removed"), (self.added, "added"))
            if names
        ]
        return "; ".join(["keys or grid changed", *parts] if self.keys_or_grid else parts)


def compare(stored: Mapping[str, str], current: Mapping[str, str]) -> DefinitionChange:
    """The difference between the fingerprints of a stored interval and those of the definition."""
    old, new = (set(prints) - {GROUP} for prints in (stored, current))
    return DefinitionChange(
        added=tuple(name for name in current if name in new - old),
        removed=tuple(sorted(old - new)),
        changed=tuple(name for name in current if name in old & new and stored[name] != current[name]),
        keys_or_grid=stored.get(GROUP) != current.get(GROUP),
    )
