"""Checks one expression: what it calls, which columns it reads, and the type Spark gives it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from headrace.expressions.failure import ExpressionError
from headrace.expressions.guard import guard
from headrace.expressions.lexer import lex
from headrace.expressions.scope import Scope, scope_of
from headrace.expressions.types import BOOLEAN, NULL, DataType


@dataclass(frozen=True, slots=True)
class CheckedExpression:
    """An expression that Spark will accept.

    Attributes:
        text: The author's own text, which is what Spark gets.
        type: Its type in Spark.
        columns: The columns it reads, as spelled where they are declared.
        canonical: The same text for all spellings that differ in spaces, case or quoting only.
    """

    text: str
    type: DataType
    columns: frozenset[str]
    canonical: str
