"""What is worth knowing of new and changed columns before they are computed, whatever the ledger holds."""

from collections.abc import Callable, Iterator

from headrace.changes.group_definition import GroupDefinition
from headrace.logical.tiling import tiling

Advice = Callable[[GroupDefinition, frozenset[str]], Iterator[str]]


def unsplittable(group: GroupDefinition, columns: frozenset[str]) -> Iterator[str]:
    """Windows without a beginning: with one, all events of a key are on one worker in a training set."""
    found = [name for name in group.features.unsplittable if name in columns]
    if found:
        yield (
            f"{group.name}@{group.version}: a key with very many events cannot be split by time, because of lifetime "
            f"windows: {', '.join(found)}"
        )


def read_events(group: GroupDefinition, columns: frozenset[str]) -> Iterator[str]:
    """Columns that tiles cannot serve: every run reads the events of their whole window."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in tiling(group.features, group.grid).raw.items():
        if name in columns:
            by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        yield (
            f"{group.name}@{group.version}: every run reads all events of the window, not tiles, for "
            f"{', '.join(names)}: {reason}"
        )


ADVICE: tuple[Advice, ...] = (unsplittable, read_events)
