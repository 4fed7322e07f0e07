"""Variance, standard deviation, skewness and kurtosis, about the mean of the window's own values."""

from headrace.aggregates.counts import VALUES
from headrace.aggregates.declaration import Aggregate, Finalize, State, required
from headrace.aggregates.sums import numeric
from headrace.expressions import DOUBLE, DataType

_VALUE = "cast({value} as double)"
_VARIANCE = State("variance", _VALUE, "var_pop")
_SAMPLE = "{variance} * (cast({n} as double) / nullif(cast({n} - 1L as double), 0D))"


class _Moment(Aggregate):
    revision = 2
    # Their last bits follow the order of rows.
    in_roll_ups = False

    def result_type(self, of: DataType | None) -> DataType:
        numeric(required(of))
        return DOUBLE


class VariancePop(_Moment):
    """Population variance."""

    name = "variance_pop"

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (_VARIANCE,)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("{variance}")


class StddevPop(VariancePop):
    """Population standard deviation."""

    name = "stddev_pop"

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("sqrt({variance})")


class Variance(_Moment):
    """Sample variance; null for a single value."""

    name = "variance"

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (_VARIANCE, VALUES)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize(_SAMPLE)


class Stddev(Variance):
    """Sample standard deviation; null for a single value."""

    name = "stddev"

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize(f"sqrt({_SAMPLE})")


class Skewness(_Moment):
    """Skewness of the population; null where all values are equal."""

    name = "skewness"

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("skewness", _VALUE, "skewness"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("{skewness}")


class Kurtosis(_Moment):
    """Excess kurtosis of the population; null where all values are equal."""

    name = "kurtosis"

    def states(self, of: DataType | None) -> tuple[State, ...]:
        return (State("kurtosis", _VALUE, "kurtosis"),)

    def finalize(self, of: DataType | None) -> Finalize:
        return Finalize("{kurtosis}")
