"""The columns that an expression may use, and what checking it against them gave."""

from collections.abc import Iterable, Mapping

from headrace.expressions import (
    BOOLEAN,
    CheckedExpression,
    DataType,
    ExpressionError,
    check,
    check_condition,
    column_names,
)
from headrace.expressions.scope import MOST_COMPARED

Outcome = CheckedExpression | ExpressionError
# What an expression cannot be blamed for when it uses a column whose own declaration is wrong.
_CONSEQUENCES = ("unknown-column", "expression-type")


class Scope:
    """Columns in sight of an expression.

    Args:
        owner: What the columns belong to, for messages, e.g. `transactions`.
        types: The columns.
        untyped: Names of columns that are declared but have no type, because their declaration is wrong. That
            is reported where it is, so nothing is said about their use.
        unknown: How the names of more columns begin, of which nothing is known yet; empty text where any may be there.
    """

    def __init__(
        self, owner: str, types: Mapping[str, DataType], untyped: Iterable[str] = (), unknown: Iterable[str] = ()
    ) -> None:
        self.owner, self.unknown = owner, tuple(unknown)
        self._types = dict(types)
        self._untyped = {name.lower() for name in untyped}
        self._spelled: dict[str, list[str]] = {}
        for name in types:
            self._spelled.setdefault(name.lower(), []).append(name)
        self._checked: dict[str, CheckedExpression] = {}
        self._failed: dict[str, ExpressionError] = {}

    @property
    def types(self) -> Mapping[str, DataType]:
        """The columns that have a type."""
        return self._types

    @property
    def untyped(self) -> frozenset[str]:
        """The columns that have none, in lower case."""
        return frozenset(self._untyped)

    def add(self, name: str, outcome: Outcome) -> None:
        """One more column, for the expressions that come after it; without a type when it is an error."""
        # What failed may succeed with one more column.
        self._failed.clear()
        if isinstance(outcome, ExpressionError):
            self._untyped.add(name.lower())
            return
        if name not in self._types:
            self._spelled.setdefault(name.lower(), []).append(name)
        self._types[name] = outcome.type
        self._untyped.discard(name.lower())

    def check(self, text: str) -> Outcome:
        """The expression with its type, or what is wrong with it."""
        known = self._checked.get(text) or self._failed.get(text)
        if known is not None:
            return known
        try:
            self._checked[text] = checked = self._check(text)
            return checked
        except ExpressionError as error:
            self._failed[text] = error
            return error

    def condition(self, text: str) -> Outcome:
        """As `check`, for an expression that must be true or false."""
        outcome = self.check(text)
        if isinstance(outcome, CheckedExpression) and outcome.type != BOOLEAN:
            try:
                return check_condition(text, self._types)
            except ExpressionError as error:
                return error
        return outcome

    def lacks(self, name: str) -> bool:
        """Whether there is no such column, spelled exactly so."""
        return name not in self._types and not self.may_have(name)

    def may_have(self, name: str) -> bool:
        """Whether there is, or may be, a column of that name, whatever its case, whose type is not known."""
        folded = name.lower()
        if folded in self._untyped:
            return True
        return folded not in self._spelled and any(folded.startswith(begin.lower()) for begin in self.unknown)

    def excuses(self, text: str, error: ExpressionError) -> bool:
        """Whether the error only follows from a wrong declaration elsewhere, or from what is not known yet."""
        if not (self._untyped or self.unknown) or error.code not in _CONSEQUENCES:
            return False
        return any(map(self.may_have, column_names(text)))

    def _check(self, text: str) -> CheckedExpression:
        try:
            # Only what the text names: of a wide table the rest would cost more than the check itself.
            return check(text, self._named(text))
        except ExpressionError:
            if len(self._types) > MOST_COMPARED:
                raise  # no name is suggested then
            # All columns are in sight of an error: one may be what the author meant.
            return check(text, self._types)

    def _named(self, text: str) -> dict[str, DataType]:
        if text in self._types:
            return {text: self._types[text]}
        names = sorted({name.lower() for name in column_names(text)})
        return {other: self._types[other] for name in names for other in self._spelled.get(name, ())}
