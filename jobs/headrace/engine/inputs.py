"""What aggregates read of a row: cleaned inputs and the order that settles ties."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.aggregates import EVENT_US, VISIBLE_US
from headrace.expressions import DataType, quote_identifier
from headrace.logical import AggregateFeature, ExpressionFeature


def clean(value: str) -> str:
    """SQL for a floating-point value with NaN as null and -0.0 as 0.0, of the same type."""
    return f"CASE WHEN isnan({value}) THEN NULL WHEN {value} = 0 THEN abs({value}) ELSE {value} END"


def clean_inside(value: Column, kind: DataType) -> Column:
    """A value of any type with each floating-point value in it as `clean` makes it; keys of maps stay as they are.

    Fields of structs are replaced, not structs made anew: Spark still reads only those that something looks at.
    """
    if kind.is_floating:
        return F.when(F.isnan(value), None).when(value == 0, F.abs(value)).otherwise(value)
    if kind.element is not None and kind.element.holds_floats:
        element = kind.element
        return F.transform(value, lambda item: clean_inside(item, element))
    if kind.value is not None and kind.value.holds_floats:
        inner = kind.value
        return F.transform_values(value, lambda _, item: clean_inside(item, inner))
    cleaned = value
    for name, of in kind.fields:
        if of.holds_floats:
            cleaned = cleaned.withField(quote_identifier(name), clean_inside(value.getField(name), of))
    return cleaned


def input_sql(text: str, kind: DataType | None) -> str:
    """SQL for an aggregate's input. Expressions can make NaN where columns have none; it never gets further."""
    return clean(f"({text})") if kind is not None and kind.is_floating and _is_computed(text) else text


def input_of(feature: AggregateFeature) -> str:
    """SQL for the input of a feature that has one."""
    assert feature.of is not None
    return input_sql(feature.of.text, DataType.parse(feature.of_type) if feature.of_type else None)


def guarded_input_of(feature: AggregateFeature) -> str:
    """The same, computed of no row that the feature's condition leaves out.

    What is made of an input may be computed before the condition is asked, and fail where that says it does not count.
    """
    sql = input_of(feature)
    return sql if feature.where is None else f"CASE WHEN ({feature.where.text}) THEN {sql} END"


def item_of(feature: AggregateFeature) -> str:
    """The same where distinct values count: features over one column share what is read for them."""
    assert feature.of is not None
    return guarded_input_of(feature) if _is_computed(feature.of.text) else input_of(feature)


def _is_computed(text: str) -> bool:
    return not text.replace("`", "").isidentifier()


def tie_order(tie_breaker: tuple[str, ...]) -> str:
    """Comma-separated columns that order events: event time, visibility, then the source's tie breakers."""
    return ", ".join([EVENT_US, VISIBLE_US, *[quote_identifier(name) for name in tie_breaker]])


def expression_sql(feature: ExpressionFeature) -> str:
    """SQL for an expression feature. All of it is text: of what fails in there, Spark quotes the author's own."""
    text = f"({feature.expression.text})"
    sql = f"coalesce({text}, {feature.default})" if feature.default is not None else text
    return f"cast({sql} as {feature.type})"
