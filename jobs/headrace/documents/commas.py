"""Commas inside parentheses, which YAML takes for the end of a value in `{…}` and `[…]`.

`{expression: nullif(a, 0), default: 1}` is to YAML a mapping with the keys `expression`, `0)` and `default`. What its
author means is plain: an expression with a parenthesis still open goes on. Only plain text is put together again, and
only with pieces that nothing else can be: keys without a value, or items of a list.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from yaml import Event, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

# Who looks for the end of a parenthesis so often and finds none has written no expressions.
MOST_IN_VAIN = 100_000


def rejoined(events: Iterable[Event]) -> Iterator[Event]:
    """The events with every such value in one piece."""
    flow: list[str | None] = []  # of each open collection: "{" or "[" when it is in flow style
    keys_due: list[bool] = []
    stream = iter(events)
    waiting: deque[Any] = deque()
    in_vain = 0
    while True:
        event: Any = waiting.popleft() if waiting else next(stream, None)
        if event is None:
            return
        kind = type(event)
        is_value = kind is ScalarEvent and flow and flow[-1] and not (flow[-1] == "{" and keys_due[-1])
        if is_value and _open(event) and in_vain < MOST_IN_VAIN:
            event, read = _continued(event, flow[-1] or "", stream, waiting)
            in_vain += read
        if kind is MappingEndEvent or kind is SequenceEndEvent:
            flow.pop()
            keys_due.pop()
        is_start = kind is MappingStartEvent or kind is SequenceStartEvent
        if keys_due and (is_start or kind is ScalarEvent or event.__class__.__name__ == "AliasEvent"):
            keys_due[-1] = not keys_due[-1]
        if is_start:
            flow.append(("{" if kind is MappingStartEvent else "[") if event.flow_style else None)
            keys_due.append(True)
        yield event


def _open(event: Any) -> bool:
    """Whether a plain scalar ends with a parenthesis still open."""
    return not event.style and _depth(event.value) > 0


def _depth(text: str) -> int:
    return text.count("(") - text.count(")")


def _continued(first: Any, collection: str, stream: Iterator[Event], waiting: deque[Any]) -> tuple[Any, int]:
    """`first` with the pieces that belong to it, if its parentheses close, and how many events were read in vain.

    These go to `waiting`.
    """
    parts, last, depth = [first.value], first, _depth(first.value)
    pieces = 2 if collection == "{" else 1
    read: list[Any] = []
    while depth > 0:
        piece = _piece(pieces, stream, waiting)
        read += piece
        is_whole = len(piece) == pieces and all(type(event) is ScalarEvent and not event.style for event in piece)
        if not is_whole or (pieces == 2 and piece[1].value):
            waiting.extendleft(reversed(read))
            return first, len(read)
        parts += [_gap(last, piece[0]), piece[0].value]
        last = piece[0]
        depth += _depth(last.value)
    text = "".join(parts)
    joined = ScalarEvent(first.anchor, first.tag, first.implicit, text, first.start_mark, last.end_mark, first.style)
    return joined, 0


def _piece(size: int, stream: Iterator[Event], waiting: deque[Any]) -> list[Any]:
    """The next events: so many, or up to the first that is no plain scalar."""
    read: list[Any] = []
    while len(read) < size:
        event: Any = waiting.popleft() if waiting else next(stream, None)
        if event is None:
            break
        read.append(event)
        if type(event) is not ScalarEvent or event.style or event.anchor or event.tag:
            break
    return read


def _gap(before: Any, after: Any) -> str:
    """The comma between two pieces, as wide as it stands, so that offsets into the text stay true."""
    is_one_line = before.end_mark.line == after.start_mark.line
    width = after.start_mark.column - before.end_mark.column if is_one_line else 2
    return "," + " " * (width - 1)
