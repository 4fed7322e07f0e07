"""Finds the type of every node of an expression's tree. The nodes handled here are the allowed ones."""

import re
from collections.abc import Callable

from sqlglot import exp

from headrace.expressions.binary import BINARY_OPERATORS, binary_type, check_comparison, fail, is_time_text
from headrace.expressions.casts import can_cast
from headrace.expressions.constant_text import regex_problem
from headrace.expressions.constants import constant, number
from headrace.expressions.failure import shown
from headrace.expressions.functions import FUNCTIONS
from headrace.expressions.grammar import check_grouping, offset_of
from headrace.expressions.guard import CASTS, unknown_function
from headrace.expressions.operators import Argument
from headrace.expressions.parameters import is_settled
from headrace.expressions.results import MismatchError, least_common
from headrace.expressions.scope import Scope, suggestion
from headrace.expressions.types import (
    BOOLEAN,
    NULL,
    STRING,
    DataType,
    common_type,
)


class Inference:
    """One walk over one expression.

    Args:
        scope: The columns it may read.

    Attributes:
        columns: The columns it read, as declared.
        groups: How many parentheses it met.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.columns: set[str] = set()
        self.groups = 0

    def of(self, node: exp.Expr) -> Argument:
        """What is known of a node's value.

        Raises:
            ExpressionError: A node is not allowed, a column unknown, or types do not fit.
        """
        if type(node) in BINARY_OPERATORS:
            return self._chain(node)
        check_grouping(node)
        handle = _HANDLERS.get(type(node))
        if handle is None:
            fail("forbidden-expression", node, f"{_kind_of(node)} is not allowed in an expression")
        return handle(self, node)

    def _chain(self, node: exp.Expr) -> Argument:
        # A loop and not a recursion: `a + b + c + ...` leans to the left, hundreds deep.
        links: list[exp.Expr] = []
        while type(node) in BINARY_OPERATORS:
            check_grouping(node)
            links.append(node)
            node = node.this
        left = self.of(node)
        for link in reversed(links):
            right = self.of(link.expression)
            left = Argument(binary_type(link, left, right), constant=left.constant and right.constant)
        return left

    def _paren(self, node: exp.Expr) -> Argument:
        self.groups += 1
        return self.of(node.this)

    def _literal(self, node: exp.Expr) -> Argument:
        if node.is_string:
            return Argument(STRING, literal=node.name, constant=True)
        return _in_range(node, constant(node.name))

    def _boolean(self, node: exp.Expr) -> Argument:
        return Argument(BOOLEAN, literal=bool(node.this), constant=True)

    def _null(self, node: exp.Expr) -> Argument:
        return Argument(NULL, constant=True)

    def _column(self, node: exp.Expr) -> Argument:
        head, *path = node.parts if isinstance(node, exp.Column) else [node]
        if not isinstance(head, exp.Identifier):
            fail("forbidden-expression", node, f"{_kind_of(head)} is not allowed in an expression")
        name, kind = self._scope.find(head.name, head.meta.get("start"))
        self.columns.add(name)
        for part in path:
            kind = _field(kind, part)
        return Argument(kind)

    def _dot(self, node: exp.Expr) -> Argument:
        base = self.of(node.this)
        return Argument(_field(base.type, node.expression), constant=base.constant)

    def _bracket(self, node: exp.Expr) -> Argument:
        base, inside = self.of(node.this), [self.of(each) for each in node.expressions]
        if len(inside) != 1:
            fail("expression-syntax", node, "square brackets take one index or key")
        at = inside[0]
        fixed = base.constant and at.constant
        if base.type.element is not None:
            if not at.type.is_integral:
                fail("expression-type", node, f"the index of an array is a whole number, not {at.type}")
            return Argument(base.type.element, constant=fixed)
        if base.type.key is None or base.type.value is None:
            fail("expression-type", node, f"square brackets need an array or a map, not {base.type}")
        if common_type(base.type.key, at.type) != base.type.key:
            fail("expression-type", node, f"a key of this map is {base.type.key}, not {at.type}")
        return Argument(base.type.value, constant=fixed)

    def _call(self, node: exp.Expr) -> Argument:
        name = str(node.this).lower()
        if name in CASTS:
            return self._cast(node, name)
        function = FUNCTIONS.get(name)
        if function is None:
            raise unknown_function(name, offset_of(node) or 0)
        arguments = [self.of(each) for each in node.expressions]
        if not function.signature.accepts(len(arguments)):
            fail("expression-type", node, f"{name} takes {function.signature.arity()}, not {len(arguments)}")
        try:
            function.signature.check(arguments)
            kind = function.result(arguments)
        except MismatchError as mismatch:
            position = f"argument {mismatch.index + 1} of {name}" if len(arguments) > 1 else f"the argument of {name}"
            fail("expression-type", node.expressions[mismatch.index], f"{position}: {mismatch.message}")
        return Argument(kind, constant=all(argument.constant for argument in arguments))

    def _cast(self, node: exp.Expr, name: str) -> Argument:
        target = node.expressions[1] if len(node.expressions) == 2 else None
        if not isinstance(target, exp.Literal) or target.is_string:
            fail("expression-syntax", node, f"{name} is written {name}(x as type)")
        try:
            kind = DataType.parse(target.name)
        except ValueError:
            fail("expression-syntax", node, f"{name} is written {name}(x as type)")
        source = self.of(node.expressions[0])
        if not can_cast(source.type, kind):
            fail("expression-type", node, f"{source.type} cannot be cast to {kind}")
        if kind.is_time and not is_settled(source):
            fail(
                "forbidden-expression",
                node,
                f"constant text is cast to {kind} only when it is an ISO date or time",
                "'now' and 'today' would be another value each time",
            )
        return Argument(kind, constant=source.constant)

    def _case(self, node: exp.Expr) -> Argument:
        operand = self.of(node.this) if node.this is not None else None
        arguments: list[Argument] = [operand] if operand else []
        results: list[Argument] = []
        for branch in node.args["ifs"]:
            condition, result = self.of(branch.this), self.of(branch.args["true"])
            if operand is not None:
                check_comparison(branch, "=", operand, condition)
            elif condition.type != BOOLEAN:
                fail("expression-type", branch, f"a condition after `when` is boolean, not {condition.type}")
            arguments += [condition, result]
            results.append(result)
        if node.args.get("default") is not None:
            results.append(self.of(node.args["default"]))
        try:
            kind = least_common([result.type for result in results])
        except MismatchError as mismatch:
            fail("expression-type", node, f"the branches of a case need one type: {mismatch.message}")
        return Argument(kind, constant=all(each.constant for each in arguments + results))

    def _not(self, node: exp.Expr) -> Argument:
        operand = self.of(node.this)
        if operand.type != BOOLEAN:
            fail("expression-type", node, f"`not` needs a boolean, not {operand.type}")
        return Argument(BOOLEAN, constant=operand.constant)

    def _negative(self, node: exp.Expr) -> Argument:
        if isinstance(node.this, exp.Literal) and not node.this.is_string and node.this.name[0] in "0123456789.":
            return _in_range(node.this, number(node.this.name, negative=True))
        operand = self.of(node.this)
        if not operand.type.is_numeric:
            fail("expression-type", node, f"`-` needs a number, not {operand.type}")
        return Argument(operand.type, constant=operand.constant)

    def _complement(self, node: exp.Expr) -> Argument:
        operand = self.of(node.this)
        if not operand.type.is_integral:
            fail("expression-type", node, f"`~` needs a whole number, not {operand.type}")
        return Argument(operand.type, constant=operand.constant)

    def _is(self, node: exp.Expr) -> Argument:
        operand = self.of(node.this)
        if isinstance(node.expression, exp.Boolean) and operand.type != BOOLEAN:
            fail("expression-type", node, f"`is true` and `is false` need a boolean, not {operand.type}")
        if not isinstance(node.expression, exp.Boolean | exp.Null):
            fail(
                "expression-syntax",
                node,
                "`is` takes null, true or false",
                "write a <=> b for equal or both null",
            )
        return Argument(BOOLEAN, constant=operand.constant)

    def _between(self, node: exp.Expr) -> Argument:
        if node.args.get("symmetric") is not None:
            fail("forbidden-expression", node, "`between symmetric` is not allowed")
        value, low, high = (self.of(node.args[name]) for name in ("this", "low", "high"))
        check_comparison(node, "between", value, low)
        check_comparison(node, "between", value, high)
        return Argument(BOOLEAN, constant=value.constant and low.constant and high.constant)

    def _in(self, node: exp.Expr) -> Argument:
        if not node.expressions or node.args.get("query") is not None or node.args.get("field") is not None:
            fail("expression-syntax", node, "`in` takes a list in parentheses: x in (1, 2)")
        value, *items = [self.of(each) for each in (node.this, *node.expressions)]
        kind = value.type
        for each, item in zip(node.expressions, items, strict=True):
            check_comparison(each, "in", value, item, null=True)
            wider = kind if is_time_text(kind, item) else common_type(kind, item.type)
            if wider is None:
                fail("expression-type", each, f"{item.type} does not go with {kind}")
            kind = wider
        return Argument(BOOLEAN, constant=value.constant and all(item.constant for item in items))

    def _like(self, node: exp.Expr) -> Argument:
        text, pattern = self.of(node.this), self.of(node.expression)
        for operand in (text, pattern):
            if operand.type != STRING:
                fail("expression-type", node, f"a pattern match needs strings, not {operand.type}")
        if isinstance(node, exp.RegexpLike) and isinstance(pattern.literal, str):
            problem = regex_problem(pattern.literal)
            if problem is not None:
                message = f"'{shown(pattern.literal)}' is not a regular expression: {problem}"
                fail("expression-type", node.expression, message)
        return Argument(BOOLEAN, constant=text.constant and pattern.constant)

    def _escape(self, node: exp.Expr) -> Argument:
        mark = node.expression
        if not isinstance(node.this, exp.Like | exp.ILike):
            fail("expression-syntax", node, "`escape` belongs to like or ilike")
        if not isinstance(mark, exp.Literal) or not mark.is_string or len(mark.name) != 1:
            fail("expression-syntax", node, "`escape` takes one character in quotes")
        return self.of(node.this)


def _field(kind: DataType, part: exp.Expr) -> DataType:
    if not isinstance(part, exp.Identifier):
        fail("forbidden-expression", part, f"{_kind_of(part)} is not allowed in an expression")
    name = part.name
    if kind.name != "struct":
        hint = f"write column['{name}']" if kind.key is not None else None
        fail("unknown-column", part, f"'{shown(name)}' is not a field: {kind} is no struct", hint)
    found = [type_ for field, type_ in kind.fields if field.lower() == name.lower()]
    if len(found) != 1:
        hint = suggestion(name, [field for field, _ in kind.fields])
        fail("unknown-column", part, f"'{shown(name)}' is not a field of {kind}", hint)
    return found[0]


def _in_range(node: exp.Expr, found: Argument | None) -> Argument:
    if found is None:
        fail("expression-type", node, f"the number {shown(node.name)} is out of range")
    return found


def _kind_of(node: exp.Expr) -> str:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", type(node).__name__).lower()
    return {"star": "`*`", "tuple": "a list", "array": "a list in square brackets"}.get(words, f"`{words}`")


_HANDLERS: dict[type, Callable[[Inference, exp.Expr], Argument]] = {
    exp.Paren: Inference._paren,
    exp.Literal: Inference._literal,
    exp.Boolean: Inference._boolean,
    exp.Null: Inference._null,
    exp.Column: Inference._column,
    exp.Dot: Inference._dot,
    exp.Bracket: Inference._bracket,
    exp.Anonymous: Inference._call,
    exp.Case: Inference._case,
    exp.Not: Inference._not,
    exp.Neg: Inference._negative,
    exp.BitwiseNot: Inference._complement,
    exp.Is: Inference._is,
    exp.Between: Inference._between,
    exp.In: Inference._in,
    exp.Like: Inference._like,
    exp.ILike: Inference._like,
    exp.RegexpLike: Inference._like,
    exp.Escape: Inference._escape,
}
