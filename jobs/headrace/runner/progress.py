"""Says what a long run is doing, one line a step, with its time; a spinner where a person is watching."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from headrace.errors import legible


@dataclass
class Step:
    """One step under way.

    Attributes:
        notes: What is worth knowing of it, for its line.
        details: Lines below that line.
    """

    notes: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Adds to the line that the step ends with."""
        self.notes.append(text)


class Progress:
    """Writes steps to stderr, so that stdout holds results only.

    Args:
        quiet: Write nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet

    def title(self, text: str) -> None:
        """A line above the steps that follow."""
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)

    @contextmanager
    def step(self, label: str) -> Iterator[Step]:
        """Times a block and writes its line when it ends, whichever way."""
        step, began, mark = Step(), time.perf_counter(), "✗"
        try:
            with self._spinner(label):
                yield step
            mark = "✓"
        finally:
            if not self._quiet:
                seconds = f"{time.perf_counter() - began:5.1f} s"
                line = f"  {mark} {label:<24} {seconds}  {', '.join(step.notes)}".rstrip()
                below = [f"    {detail}" for detail in step.details]
                print(legible("\n".join([line, *below]), keep="\n"), file=sys.stderr, flush=True)

    @contextmanager
    def _spinner(self, label: str) -> Iterator[None]:
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console

        with Console(stderr=True).status(f"{label} …"):
            yield
