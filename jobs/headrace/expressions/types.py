"""The column types of Spark SQL as values: their DDL text, what they are good for, and how two of them meet.

Only types that a Delta table can store are spelled here; intervals exist inside an expression, never as its
result.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_PRECISION = 38
_INTEGRAL_DIGITS = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 20}
_NUMERIC_ORDER = ("tinyint", "smallint", "int", "bigint", "float", "double")
_FLOAT_EXACT = {"float": ("tinyint", "smallint"), "double": ("tinyint", "smallint", "int", "float")}
_DAY_TIME_UNITS = ("day", "hour", "minute", "second")
_YEAR_MONTH_UNITS = ("year", "month")


@dataclass(frozen=True, slots=True)
class DataType:
    """One Spark SQL type.

    Attributes:
        name: Spark's own lower-case name, e.g. `bigint`, `decimal`, `array`.
        precision: Total digits of a decimal.
        scale: Digits of a decimal after the point.
        element: Element type of an array.
        key: Key type of a map.
        value: Value type of a map.
        fields: Names and types of a struct's fields, in order.
    """

    name: str
    precision: int | None = None
    scale: int | None = None
    element: DataType | None = None
    key: DataType | None = None
    value: DataType | None = None
    fields: tuple[tuple[str, DataType], ...] = ()

    @staticmethod
    def parse(text: str) -> DataType:
        """The type that Spark DDL text names, e.g. `map<string, decimal(10,2)>`.

        Raises:
            ValueError: The text is no type; the message suggests one where it can.
        """
        from headrace.expressions.ddl import parse_type

        return parse_type(text)

    def sql(self) -> str:
        """Spark DDL text in lower case, the same text for the same type."""
        if self.is_decimal:
            return f"decimal({self.precision},{self.scale})"
        if self.element is not None:
            return f"array<{self.element.sql()}>"
        if self.key is not None and self.value is not None:
            return f"map<{self.key.sql()},{self.value.sql()}>"
        if self.name == "struct":
            return f"struct<{','.join(f'{field_name(name)}:{kind.sql()}' for name, kind in self.fields)}>"
        return self.name

    def __str__(self) -> str:
        return self.sql()

    @property
    def is_decimal(self) -> bool:
        """Whether this is a decimal."""
        return self.name == "decimal"

    @property
    def is_integral(self) -> bool:
        """Whether this is a whole number: tinyint, smallint, int or bigint."""
        return self.name in _INTEGRAL_DIGITS

    @property
    def is_floating(self) -> bool:
        """Whether this is float or double."""
        return self.name in ("float", "double")

    @property
    def is_fractional(self) -> bool:
        """Whether this is float, double or decimal."""
        return self.is_floating or self.is_decimal

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic works on it."""
        return self.is_integral or self.is_fractional

    @property
    def is_time(self) -> bool:
        """Whether this is a date, a timestamp or a timestamp_ntz."""
        return self.name in ("date", "timestamp", "timestamp_ntz")

    @property
    def is_interval(self) -> bool:
        """Whether this is an interval, which only lives inside an expression."""
        return self.name.startswith("interval ")

    @property
    def is_nested(self) -> bool:
        """Whether this is an array, a map or a struct."""
        return self.name in ("array", "map", "struct")

    @property
    def is_storable(self) -> bool:
        """Whether a table column can have it: no untyped null in it, and no interval."""
        return not self.is_interval and self._everywhere_not("void")

    @property
    def is_orderable(self) -> bool:
        """Whether values can be sorted and compared with `<`."""
        return self._everywhere_not("map")

    @property
    def settles_ties(self) -> bool:
        """Whether values can be put in some order: as themselves, or as maps in that of their sorted entries."""
        if self.key is not None and self.value is not None:
            return self.key.is_orderable and self.value.is_orderable
        return self.is_orderable

    @property
    def is_hashable(self) -> bool:
        """Whether values can be grouped by, joined on and counted as distinct."""
        return self._everywhere_not("map")

    @property
    def holds_decimal(self) -> bool:
        """Whether this is a decimal or has one in it."""
        return not self._everywhere_not("decimal")

    def _everywhere_not(self, name: str) -> bool:
        inner = [self.element, self.key, self.value, *(kind for _, kind in self.fields)]
        return self.name != name and all(kind is None or kind._everywhere_not(name) for kind in inner)

    @property
    def holds_floats(self) -> bool:
        """Whether a value has floating-point numbers somewhere in it, keys of maps left out."""
        inner = (*(kind for _, kind in self.fields), self.element, self.value)
        return self.is_floating or any(kind is not None and kind.holds_floats for kind in inner)

    def can_widen_to(self, other: DataType) -> bool:
        """Whether every value of this type is a value of `other`, with nothing lost."""
        if self == other or self.name == "void":
            return True
        if self.is_integral and other.is_integral:
            return _NUMERIC_ORDER.index(self.name) <= _NUMERIC_ORDER.index(other.name)
        if other.is_floating:
            return self.name in _FLOAT_EXACT[other.name]
        if other.is_decimal and (self.is_decimal or self.is_integral):
            mine = as_decimal(self)
            return _whole_digits(mine) <= _whole_digits(other) and _scale(mine) <= _scale(other)
        if self.name == "date":
            return other.name == "timestamp_ntz"
        if self.name == other.name == "struct" and len(self.fields) == len(other.fields):
            pairs = zip(self.fields, other.fields, strict=True)
            return all(a.lower() == b.lower() and x.can_widen_to(y) for (a, x), (b, y) in pairs)
        if self.element is not None and other.element is not None:
            return self.element.can_widen_to(other.element)
        if self.key is not None and other.key is not None and self.value is not None and other.value is not None:
            return self.key.can_widen_to(other.key) and self.value.can_widen_to(other.value)
        return False


def widens(found: str, declared: str) -> bool:
    """Whether every value of one type, as Spark writes it, is a value of the other, with nothing lost."""
    try:
        return DataType.parse(found).can_widen_to(DataType.parse(declared))
    except ValueError:
        # A type that cannot be declared at all, e.g. variant.
        return False


BOOLEAN = DataType("boolean")
TINYINT = DataType("tinyint")
SMALLINT = DataType("smallint")
INT = DataType("int")
BIGINT = DataType("bigint")
FLOAT = DataType("float")
DOUBLE = DataType("double")
STRING = DataType("string")
BINARY = DataType("binary")
DATE = DataType("date")
TIMESTAMP = DataType("timestamp")
TIMESTAMP_NTZ = DataType("timestamp_ntz")
NULL = DataType("void")


def decimal(precision: int, scale: int) -> DataType:
    """The decimal of so many digits, `scale` of them after the point."""
    return DataType("decimal", precision=precision, scale=scale)


def array(element: DataType) -> DataType:
    """The array of an element type."""
    return DataType("array", element=element)


def map_of(key: DataType, value: DataType) -> DataType:
    """The map from a key type to a value type."""
    return DataType("map", key=key, value=value)


def struct(**fields: DataType) -> DataType:
    """The struct of these fields, in order."""
    return DataType("struct", fields=tuple(fields.items()))


def interval(first: str, last: str) -> DataType:
    """The interval type from one unit down to another, e.g. `interval day to second`."""
    return DataType(f"interval {first}" if first == last else f"interval {first} to {last}")


def quote_identifier(name: str) -> str:
    """A column or field name as Spark SQL text, in backticks."""
    return f"`{name.replace('`', '``')}`"


def as_decimal(kind: DataType) -> DataType:
    """The decimal that holds every value of a decimal or integral type."""
    return kind if kind.is_decimal else decimal(_INTEGRAL_DIGITS[kind.name], 0)


def common_type(a: DataType, b: DataType) -> DataType | None:
    """Spark's ANSI least common type, as `coalesce`, `case` and `in` use it; None where there is none.

    One thing is stricter than Spark: a string and another type have none, since Spark would cast the string
    at run time and fail the job on the first one that does not parse.

    Source: org.apache.spark.sql.catalyst.analysis.AnsiTypeCoercion, Spark 4.1.
    """
    if a == b or b.name == "void":
        return a
    if a.name == "void":
        return b
    if a.is_numeric and b.is_numeric:
        return _common_numeric(a, b)
    if a.is_time and b.is_time:
        return TIMESTAMP if "timestamp" in (a.name, b.name) else TIMESTAMP_NTZ
    if a.is_interval and b.is_interval:
        return _common_interval(a, b)
    if a.element is not None and b.element is not None:
        element = common_type(a.element, b.element)
        return array(element) if element else None
    if a.key is not None and b.key is not None and a.value is not None and b.value is not None:
        key, value = common_type(a.key, b.key), common_type(a.value, b.value)
        return map_of(key, value) if key and value else None
    if a.name == b.name == "struct" and len(a.fields) == len(b.fields):
        return _common_struct(a, b)
    return None


def interval_units(kind: DataType) -> tuple[str, ...]:
    """The units of an interval type's family from its first to its last, e.g. ('day', 'hour')."""
    parts = kind.name.removeprefix("interval ").split(" to ")
    family = _YEAR_MONTH_UNITS if parts[0] in _YEAR_MONTH_UNITS else _DAY_TIME_UNITS
    return family[family.index(parts[0]) : family.index(parts[-1]) + 1]


def _common_numeric(a: DataType, b: DataType) -> DataType:
    if a.is_decimal or b.is_decimal:
        if a.is_floating or b.is_floating:
            return DOUBLE
        left, right = as_decimal(a), as_decimal(b)
        whole = max(_whole_digits(left), _whole_digits(right))
        scale = max(_scale(left), _scale(right))
        # Spark keeps the whole digits and gives up digits after the point.
        return decimal(min(whole + scale, MAX_PRECISION), max(0, min(scale, MAX_PRECISION - whole)))
    wider = max(a.name, b.name, key=_NUMERIC_ORDER.index)
    # An integer and a float meet as double: a float cannot hold every int.
    return DOUBLE if wider == "float" else DataType(wider)


def _common_interval(a: DataType, b: DataType) -> DataType | None:
    first, second = interval_units(a), interval_units(b)
    for family in (_DAY_TIME_UNITS, _YEAR_MONTH_UNITS):
        if first[0] in family and second[0] in family:
            positions = [family.index(unit) for unit in first + second]
            return interval(family[min(positions)], family[max(positions)])
    return None


def _common_struct(a: DataType, b: DataType) -> DataType | None:
    fields: list[tuple[str, DataType]] = []
    for (name, kind), (other_name, other_kind) in zip(a.fields, b.fields, strict=True):
        common = common_type(kind, other_kind)
        if common is None or name.lower() != other_name.lower():
            return None
        fields.append((name, common))
    return DataType("struct", fields=tuple(fields))


def _whole_digits(kind: DataType) -> int:
    return (kind.precision or 0) - (kind.scale or 0)


def _scale(kind: DataType) -> int:
    return kind.scale or 0


def field_name(name: str) -> str:
    """The name of a struct's field as type texts spell it: in backticks where it is no plain word."""
    return name if name.isascii() and name.isidentifier() else quote_identifier(name)
