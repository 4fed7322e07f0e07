"""Spark's types as the DDL text that definitions use."""

from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from headrace.expressions import field_name


def column_types(schema: StructType) -> dict[str, str]:
    """Types of columns as DDL, by name."""
    return {column.name: type_text(column.dataType) for column in schema}


def type_text(kind: DataType) -> str:
    """A type as DDL that can be read back; unlike Spark's own text, odd names of struct fields are in backticks."""
    match kind:
        case StructType():
            return f"struct<{','.join(f'{field_name(field.name)}:{type_text(field.dataType)}' for field in kind)}>"
        case ArrayType():
            return f"array<{type_text(kind.elementType)}>"
        case MapType():
            return f"map<{type_text(kind.keyType)},{type_text(kind.valueType)}>"
        case _:
            return kind.simpleString()
