"""The columns that an expression may use, and what checking it against them gave."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.expressions import (
    BOOLEAN,
    CheckedExpression,
    DataType,
    ExpressionError,
    check,
    check_condition,
    column_names,
)

Outcome = CheckedExpression | ExpressionError
# What an expression cannot be blamed for when it uses a column whose own declaration is wrong.
_CONSEQUENCES = ("unknown-column", "expression-type")


@dataclass(frozen=True)
class Scope:
    """Columns in sight of an expression. Each text is checked once.

    Attributes:
        owner: What the columns belong to, for messages, e.g. `transactions`.
        types: The columns.
        untyped: Lower-case names of columns that are declared but have no type, because their declaration is
            wrong; that is reported there, so nothing is said about their use.
    """

    owner: str
    types: Mapping[str, DataType]
    untyped: frozenset[str] = frozenset()
    _checked: dict[str, Outcome] = field(default_factory=dict, repr=False)

    def check(self, text: str) -> Outcome:
        """The expression with its type, or what is wrong with it."""
        if text not in self._checked:
            try:
                self._checked[text] = check(text, self.types)
            except ExpressionError as error:
                self._checked[text] = error
        return self._checked[text]

    def condition(self, text: str) -> Outcome:
        """As `check`, for an expression that must be true or false."""
        outcome = self.check(text)
        if isinstance(outcome, CheckedExpression) and outcome.type != BOOLEAN:
            try:
                return check_condition(text, self.types)
            except ExpressionError as error:
                return error
        return outcome

    def lacks(self, name: str) -> bool:
        """Whether there is no such column, spelled exactly so."""
        return name not in self.types and name.lower() not in self.untyped

    def excuses(self, text: str, error: ExpressionError) -> bool:
        """Whether the error only follows from a wrong declaration elsewhere."""
        if not self.untyped or error.code not in _CONSEQUENCES:
            return False
        return any(name.lower() in self.untyped for name in column_names(text))
