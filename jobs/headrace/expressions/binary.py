"""Types of the operators between two operands, over sqlglot's nodes: arithmetic, comparison, logic, `||`."""

from typing import NoReturn

from sqlglot import exp

from headrace.expressions.failure import Code, ExpressionError
from headrace.expressions.grammar import offset_of
from headrace.expressions.literals import parse_date, parse_time
from headrace.expressions.operators import Argument, arithmetic, bitwise, comparable
from headrace.expressions.parameters import KINDS
from headrace.expressions.types import BOOLEAN, DATE, NULL, STRING, TIMESTAMP, DataType

_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.IntDiv: "div",
    exp.Mod: "%",
}
_BITWISE: dict[type[exp.Expr], str] = {exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "^"}
_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
}
_LOGICAL: dict[type[exp.Expr], str] = {exp.And: "and", exp.Or: "or"}
BINARY_OPERATORS = frozenset((*_ARITHMETIC, *_BITWISE, *_COMPARISONS, *_LOGICAL, exp.DPipe))


def fail(code: Code, node: exp.Expr, message: str, hint: str | None = None) -> NoReturn:
    """Raise an `ExpressionError` at a node."""
    raise ExpressionError(code, message, offset_of(node), hint)


def binary_type(node: exp.Expr, left: Argument, right: Argument) -> DataType:
    shape = type(node)
    if shape in _COMPARISONS:
        check_comparison(node, _COMPARISONS[shape], left, right)
        return BOOLEAN
    if shape in _LOGICAL:
        for operand in (left, right):
            if operand.type != BOOLEAN:
                fail("expression-type", node, f"`{_LOGICAL[shape]}` needs booleans, not {operand.type}")
        return BOOLEAN
    if shape is exp.DPipe:
        for operand in (left, right):
            if operand.type != NULL and not KINDS["text"].takes(operand):
                fail("expression-type", node, f"`||` joins {KINDS['text'].words}, not {operand.type}")
        return STRING
    symbol = _ARITHMETIC.get(shape) or _BITWISE[shape]
    kind = arithmetic(symbol, left, right) if shape in _ARITHMETIC else bitwise(left, right)
    if kind is None:
        if NULL in (left.type, right.type):
            fail(
                "expression-type",
                node,
                f"`{symbol}` with a bare null has no type",
                "write cast(null as double)",
            )
        hint = "join text with ||" if symbol == "+" and STRING in (left.type, right.type) else None
        fail("expression-type", node, f"`{symbol}` does not take {left.type} and {right.type}", hint)
    return kind


def check_comparison(node: exp.Expr, operator: str, left: Argument, right: Argument, null: bool = False) -> None:
    if NULL in (left.type, right.type):
        other = left.type if right.type == NULL else right.type
        if (null or operator == "<=>") and other.is_orderable:
            return
        fail("expression-type", node, f"`{operator}` with null is never true", "write x is null")
    if is_time_text(left.type, right) or is_time_text(right.type, left):
        return
    if comparable(left.type, right.type):
        return
    hint = None
    if STRING in (left.type, right.type):
        other = left.type if right.type == STRING else right.type
        hint = f"cast the string: cast(x as {other})"
        if other.is_time:
            hint = f"write the constant as {other}'2024-01-31{'' if other == DATE else 'T10:00:00'}'"
    fail("expression-type", node, f"`{operator}` does not compare {left.type} and {right.type}", hint)


def is_time_text(kind: DataType, argument: Argument) -> bool:
    """Whether an ISO literal in quotes stands where a time of this type is compared."""
    text = argument.literal
    if not isinstance(text, str) or argument.type != STRING or not kind.is_time:
        return False
    if kind == DATE:
        return parse_date(text) is not None
    time = parse_time(text)
    return time is not None and (kind == TIMESTAMP or time.tzinfo is None)
