"""What several rules need: problems of expressions and of missing columns, and what is in a table."""

from collections.abc import Iterable, Iterator
from typing import Any

from headrace.errors import Problem
from headrace.expressions import CheckedExpression, DataType, ExpressionError
from headrace.registry.project import Located
from headrace.registry.scopes import Outcome, Scope
from headrace.registry.suggesting import did_you_mean
from headrace.spec import FeatureTable, TableSource

Path = tuple[str | int, ...]


def in_expression(
    located: Located[Any], path: Path, text: str, outcome: Outcome, scope: Scope, where: str | None = None
) -> Iterator[Problem]:
    """What is wrong with the expression at `path`, unless another declaration is at fault."""
    if isinstance(outcome, CheckedExpression) or scope.excuses(text, outcome):
        return
    yield from_error(located, path, outcome, scope, where)


def from_error(
    located: Located[Any],
    path: Path,
    error: ExpressionError,
    scope: Scope,
    where: str | None = None,
    shift: int = 0,
) -> Problem:
    """The problem that an expression's error is; its offset counts from `shift` in the text at `path`."""
    offset = None if error.offset is None else error.offset + shift
    message = f"{error.message} of {scope.owner}" if error.message.endswith("is not a column") else error.message
    return located.problem(path, error.code, message, hint=error.hint, where=where, offset=offset)


def missing_column(located: Located[Any], path: Path, name: str, scope: Scope, *, key: bool = False) -> Problem:
    """The problem that a name is not a column in scope."""
    message = f"'{name}' is not a column of {scope.owner}"
    return located.problem(path, "unknown-column", message, hint=did_you_mean(name, scope.types), key=key)


def without_order(located: Located[Any], path: Path, name: str, kind: DataType) -> Problem:
    """The problem that a tie breaker cannot be ordered."""
    message = f"'{name}' is {kind.sql()}, which has no order"
    return located.problem(path, "column-type", message, hint="take a column of a simple type")


def unsettled(located: Located[Any], what: str) -> Iterator[Problem]:
    """The problems of columns that no order can be made of, so that nothing tells `what` in a tie."""
    for name, kind in located.spec.columns.items():
        if not kind.settles_ties:
            message = f"'{name}' is {kind.sql()}, so nothing tells {what}"
            yield located.problem(("columns", name), "column-type", message, hint="leave the column out")


def item(located: Located[Any], field: Path, index: int) -> Path:
    """The path of an item of a field that may also hold one item without a list."""
    value: Any = located.document.value
    for part in field:
        value = value[part]
    return (*field, index) if isinstance(value, list) else field


def declared(table: TableSource | FeatureTable, left_out: Iterable[str]) -> Scope:
    """Columns that are declared to be in a table; those left out because of a mistake have no type."""
    return Scope(table.name, table.columns, left_out)
