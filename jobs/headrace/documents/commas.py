"""Commas inside parentheses, which YAML takes for the end of a value in `{…}` and `[…]`.

`{expression: nullif(a, 0), default: 1}` is to YAML a mapping with the keys `expression`, `0)` and `default`. What its
author means is plain: an expression with a parenthesis still open goes on. Only plain text is put together again, and
only with pieces that nothing else can be: keys without a value, or items of a list.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from yaml import Event, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent


def rejoined(events: Iterable[Event]) -> Iterator[Event]:
    """The events with every such value in one piece."""
    flow: list[str | None] = []  # of each open collection: "{" or "[" when it is in flow style
    keys_due: list[bool] = []
    stream = iter(events)
    waiting: list[Any] = []
    while True:
        event: Any = waiting.pop(0) if waiting else next(stream, None)
        if event is None:
            return
        kind = type(event)
        if kind is ScalarEvent and flow and flow[-1] and not (flow[-1] == "{" and keys_due[-1]) and _open(event):
            event = _continued(event, flow[-1], stream, waiting)
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
    return not event.style and event.value.count("(") > event.value.count(")")


def _continued(first: Any, collection: str, stream: Iterator[Event], waiting: list[Any]) -> Any:
    """`first` with the pieces that belong to it; events that were read in vain go to `waiting`."""
    text, last = first.value, first
    pieces = 2 if collection == "{" else 1
    while text.count("(") > text.count(")"):
        read: list[Any] = []
        while len(read) < pieces:
            event: Any = waiting.pop(0) if waiting else next(stream, None)
            if event is None:
                break
            read.append(event)
            if type(event) is not ScalarEvent or event.style or event.anchor or event.tag:
                break
        is_piece = len(read) == pieces and all(type(event) is ScalarEvent and not event.style for event in read)
        if not is_piece or (pieces == 2 and read[1].value):
            waiting[:0] = read
            break
        text += _gap(last, read[0]) + read[0].value
        last = read[0]
    if last is first:
        return first
    return ScalarEvent(first.anchor, first.tag, first.implicit, text, first.start_mark, last.end_mark, first.style)


def _gap(before: Any, after: Any) -> str:
    """The comma between two pieces, as wide as it stands, so that offsets into the text stay true."""
    is_one_line = before.end_mark.line == after.start_mark.line
    width = after.start_mark.column - before.end_mark.column if is_one_line else 2
    return "," + " " * (width - 1)
