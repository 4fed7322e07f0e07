"""Sums and means: exact for integers and decimals, exactly rounded for floating point."""

from dataclasses import replace

from headrace.aggregates import exact_sum
from headrace.aggregates.counts import VALUES, WEIGHT
from headrace.aggregates.decimal_mean import is_one_division, mean_sql, mean_type
from headrace.aggregates.declaration import Aggregate, Finalize, State, required
from headrace.expressions import BIGINT, DOUBLE, DataType, decimal

_DECAYED = State("decayed", "cast({value} as double)", "decayed")
_TOTAL = State("total", "{value}", "sum")
# The sum of bigints in two halves, since a mean must not overflow where its total does.
_HALVES = (
    State("upper", "shiftright(cast({value} as bigint), 32)", "sum"),
    State("lower", "cast({value} as bigint) & 4294967295L", "sum"),
)


def _total_type(of: DataType) -> DataType:
    """Spark's own type of the sum of a decimal(p, s)."""
    return decimal(min((of.precision or 0) + 10, 38), of.scale or 0)


def _total(of: DataType) -> State:
    """The sum of whole numbers or decimals; Spark would give each sum of decimal sums ten digits more."""
    return replace(_TOTAL, kind=_total_type(of)) if of.is_decimal else _TOTAL


def numeric(of: DataType | None) -> DataType:
    """The input's type, which must be a number."""
    if not required(of).is_numeric:
        raise ValueError(f"takes numbers, not {required(of).sql()}")
    return required(of)


class Sum(Aggregate):
    """Sum of the non-null values; Spark's result types, doubles exactly rounded."""

    name = "sum"

    def result_type(self, of: DataType | None) -> DataType:
        kind = numeric(of)
        if kind.is_decimal:
            return _total_type(kind)
        return BIGINT if kind.is_integral else DOUBLE

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return exact_sum.STATES if required(of).is_floating else (_total(required(of)),)

    def finalize(self, of: DataType | None) -> Finalize:
        return exact_sum.TOTAL if required(of).is_floating else Finalize("{total}")

    def decayed(self, of: DataType | None) -> tuple[tuple[State, ...], Finalize]:
        return (_DECAYED,), Finalize("{decayed}")


class Mean(Aggregate):
    """The exactly rounded sum divided by the number of non-null values (what `statistics.fmean` gives)."""

    name = "mean"

    def result_type(self, of: DataType | None) -> DataType:
        kind = numeric(of)
        return mean_type(kind) if kind.is_decimal else DOUBLE

    def revision_of(self, of: DataType | None) -> int:
        return 2 if of is not None and of.is_decimal and not is_one_division(of) else self.revision

    def states(self, of: DataType | None) -> tuple[State, ...]:
        kind = required(of)
        if kind.is_floating:
            return (*exact_sum.STATES, VALUES)
        return (_total(kind), VALUES) if kind.is_decimal else (*_HALVES, VALUES)

    def finalize(self, of: DataType | None) -> Finalize:
        kind = required(of)
        if kind.is_floating:
            return Finalize("{total} / cast({n} as double)", exact_sum.TOTAL.steps)
        if kind.is_decimal:
            return Finalize(mean_sql(kind))
        total = "cast({upper} as decimal(20,0)) * cast(4294967296L as decimal(10,0)) + cast({lower} as decimal(20,0))"
        return Finalize(f"cast({total} as double) / cast({{n}} as double)")

    def decayed(self, of: DataType | None) -> tuple[tuple[State, ...], Finalize]:
        # Null where events are so old that nothing is left of their weights.
        return (_DECAYED, WEIGHT), Finalize("{decayed} / nullif({weight}, 0D)")
