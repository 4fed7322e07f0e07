"""Result types of functions, as rules over their arguments; a rule raises `MismatchError` for no type."""

from collections.abc import Callable

from headrace.expressions.constant_text import group_count
from headrace.expressions.operators import Argument, arithmetic, comparable
from headrace.expressions.types import (
    BIGINT,
    DOUBLE,
    FLOAT,
    INT,
    MAX_PRECISION,
    NULL,
    STRING,
    DataType,
    array,
    common_type,
    decimal,
)

Result = Callable[[list[Argument]], DataType]


class MismatchError(Exception):
    """Arguments that do not go together.

    Args:
        index: Which argument is at fault, from 0.
        message: What it should be.
    """

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index
        self.message = message


def always(kind: DataType) -> Result:
    """The same type whatever the arguments."""
    return lambda arguments: kind


def first(arguments: list[Argument]) -> DataType:
    """The type of the first argument."""
    return arguments[0].type


def common(start: int = 0) -> Result:
    """The least common type of the arguments from `start` on."""

    def result(arguments: list[Argument]) -> DataType:
        return least_common([argument.type for argument in arguments[start:]], start)

    return result


def array_of_common(arguments: list[Argument]) -> DataType:
    """An array of the arguments' least common type."""
    return array(common()(arguments))


def least_common(kinds: list[DataType], start: int = 0) -> DataType:
    """The least common type of several types."""
    found = kinds[0]
    for index, kind in enumerate(kinds[1:], start + 1):
        wider = common_type(found, kind)
        if wider is None:
            raise MismatchError(index, f"{kind} does not go with {found}")
        found = wider
    return found


def computed(operator: str) -> Result:
    """The type of the two arguments under an arithmetic operator."""

    def result(arguments: list[Argument]) -> DataType:
        kind = arithmetic(operator, arguments[0], arguments[1])
        if kind is None:
            raise MismatchError(1, f"{arguments[1].type} does not go with {arguments[0].type}")
        return kind

    return result


def compared(result: DataType | None) -> Result:
    """`result`, or the first argument's type, when the two arguments can be compared."""

    def rule(arguments: list[Argument]) -> DataType:
        left, right = arguments[0].type, arguments[1].type
        if not comparable(left, right):
            raise MismatchError(1, f"{right} does not compare with {left}")
        return result or left

    return rule


def whole(arguments: list[Argument]) -> DataType:
    """Of ceil and floor: a decimal without digits after the point, else bigint."""
    kind = arguments[0].type
    if not kind.is_decimal or kind.precision is None or kind.scale is None:
        return BIGINT
    return kind if kind.scale == 0 else decimal(min(kind.precision - kind.scale + 1, MAX_PRECISION), 0)


def rounded(arguments: list[Argument]) -> DataType:
    """Of round and bround: a decimal keeps the asked digits and gains one before the point."""
    kind = arguments[0].type
    if not kind.is_decimal or kind.precision is None or kind.scale is None:
        return kind
    asked = arguments[1].literal if len(arguments) > 1 else 0
    digits = asked if isinstance(asked, int) else 0
    integral = kind.precision - kind.scale + 1
    if digits < 0:
        return decimal(min(max(integral, 1 - digits), MAX_PRECISION), 0)
    scale = min(kind.scale, digits)
    return decimal(min(integral + scale, MAX_PRECISION), scale)


def floating(arguments: list[Argument]) -> DataType:
    """Of nanvl: float when both are, else double."""
    return FLOAT if all(argument.type == FLOAT for argument in arguments) else DOUBLE


def shifted(arguments: list[Argument]) -> DataType:
    """Of shiftleft and shiftright: bigint or int."""
    return BIGINT if arguments[0].type == BIGINT else INT


def element(arguments: list[Argument]) -> DataType:
    """The element type of the array in the first argument."""
    return arguments[0].type.element or arguments[0].type


def element_at(arguments: list[Argument]) -> DataType:
    """Of element_at: an array's element by an int, a map's value by a key of its type."""
    container, at = arguments[0].type, arguments[1].type
    if container.key is not None and container.value is not None:
        if not _can_stand_for(container.key, at):
            raise MismatchError(1, f"a key of this map is {container.key}, not {at}")
        return container.value
    if at.name not in ("tinyint", "smallint", "int"):
        raise MismatchError(1, f"the position in an array is an int, not {at}")
    return element(arguments)


def extracted(arguments: list[Argument]) -> DataType:
    """Of regexp_extract: a string, when the pattern has the group that is asked for (the first, unless said)."""
    pattern = arguments[1].literal
    group = arguments[2].literal if len(arguments) > 2 else 1
    found = group_count(pattern) if isinstance(pattern, str) else None
    if found is not None and isinstance(group, int) and not 0 <= group <= found:
        groups = f"{found or 'no'} group{'' if found == 1 else 's'}"
        message = f"the pattern has {groups}, and group {group} is asked for; 0 is the whole match"
        raise MismatchError(len(arguments) - 1, message)
    return STRING


def greatest_element(arguments: list[Argument]) -> DataType:
    """Of array_max and array_min: the element, when elements have an order."""
    kind = element(arguments)
    if not kind.is_orderable:
        raise MismatchError(0, f"{kind} has no order")
    return kind


def flattened(arguments: list[Argument]) -> DataType:
    """Of flatten: the inner array."""
    kind = element(arguments)
    if kind.element is None:
        raise MismatchError(0, f"an array of arrays is needed, not {arguments[0].type}")
    return kind


def keys(arguments: list[Argument]) -> DataType:
    """The array of a map's keys."""
    return array(arguments[0].type.key or arguments[0].type)


def values(arguments: list[Argument]) -> DataType:
    """The array of a map's values."""
    return array(arguments[0].type.value or arguments[0].type)


def with_element(result: DataType | None) -> Result:
    """`result`, or the array's own type, when the second argument is of its element type or widens to it."""

    def rule(arguments: list[Argument]) -> DataType:
        kind, other = element(arguments), arguments[1].type
        if not _can_stand_for(kind, other):
            raise MismatchError(1, f"an element of this array is {kind}, not {other}")
        return result or arguments[0].type

    return rule


def with_key(result: DataType) -> Result:
    """`result`, when the second argument is of the map's key type or widens to it."""

    def rule(arguments: list[Argument]) -> DataType:
        kind = arguments[0].type.key or arguments[0].type
        if not _can_stand_for(kind, arguments[1].type):
            raise MismatchError(1, f"a key of this map is {kind}, not {arguments[1].type}")
        return result

    return rule


def _can_stand_for(kind: DataType, other: DataType) -> bool:
    """Whether a value of type `other` can be looked for among values of type `kind`.

    Spark wants their tightest common type, which a decimal shares with no other decimal and no double.
    """
    if kind == other or other == NULL:
        return True
    return not (kind.holds_decimal or other.holds_decimal) and common_type(kind, other) == kind
