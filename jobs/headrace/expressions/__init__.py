"""Row-level Spark SQL expressions, the types of columns, and literals, checked without Spark.

An expression is text that an author writes and Spark later runs as it is; everything here makes sure that it
can only be what it looks like. Nothing here knows YAML, features or tables.
"""

from headrace.expressions.aggregate_calls import AggregateCall, parse_aggregate_call
from headrace.expressions.check import CheckedExpression, check, check_condition
from headrace.expressions.failure import ExpressionError
from headrace.expressions.functions import FUNCTIONS, Function
from headrace.expressions.literals import fits, literal_type, map_key, sql_literal
from headrace.expressions.mentions import column_names
from headrace.expressions.types import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    NULL,
    SMALLINT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    TINYINT,
    DataType,
    array,
    common_type,
    decimal,
    field_name,
    map_of,
    quote_identifier,
    struct,
    widens,
)

__all__ = [
    "BIGINT",
    "BINARY",
    "BOOLEAN",
    "DATE",
    "DOUBLE",
    "FLOAT",
    "FUNCTIONS",
    "INT",
    "NULL",
    "SMALLINT",
    "STRING",
    "TIMESTAMP",
    "TIMESTAMP_NTZ",
    "TINYINT",
    "AggregateCall",
    "CheckedExpression",
    "DataType",
    "ExpressionError",
    "Function",
    "array",
    "check",
    "check_condition",
    "column_names",
    "common_type",
    "decimal",
    "field_name",
    "fits",
    "literal_type",
    "map_key",
    "map_of",
    "parse_aggregate_call",
    "quote_identifier",
    "sql_literal",
    "struct",
    "widens",
]
