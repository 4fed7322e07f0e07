"""Windows: which event times a feature looks at, relative to the instant it is computed at."""

from dataclasses import dataclass
from typing import Self

from headrace.timeline.duration import Duration


@dataclass(frozen=True, slots=True)
class Window:
    """A trailing window `[t - length, t)`; without a length, `(-inf, t)`.

    Attributes:
        length: How far it reaches back, or None for `lifetime`.
        text: As the author wrote it; the suffix of output columns.
    """

    length: Duration | None
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `7d` or `lifetime`.

        Raises:
            ValueError: The text is neither, or the window is empty.
        """
        if text == "lifetime":
            return cls(None, text)
        length = Duration.parse(text)
        if length.us == 0:
            raise ValueError("a window of 0s holds no events")
        return cls(length, text)


LIFETIME = Window(None, "lifetime")
