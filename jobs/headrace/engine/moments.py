"""Moments of tiles as Spark SQL: number, mean and sums of powers of deviations, put together two by two.

P. Pébay, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments"
(Sandia report SAND2008-6212), equations 2.1 and 3.1. `{x}` is the column, `{filter}` the window.
"""

# Spark gives moments divided by powers of the variance; without variance there is nothing to divide by.
_M2 = "var_pop({x}) * count({x})"
_M3 = f"coalesce(nullif(skewness({{x}}), double('NaN')) * pow({_M2}, 1.5D) / sqrt(count({{x}})), 0D)"
_M4 = f"coalesce((nullif(kurtosis({{x}}), double('NaN')) + 3D) * pow({_M2}, 2D) / count({{x}}), 0D)"
STATE = (
    "CASE WHEN count({x}) > 0 THEN named_struct("
    f"'n', cast(count({{x}}) as double), 'mean', avg({{x}}), 'm2', {_M2}, 'm3', {_M3}, 'm4', {_M4}) END"
)
_N, _D = "(a.n + b.n)", "(b.mean - a.mean)"
_BOTH = (
    f"named_struct('n', {_N}, 'mean', a.mean + {_D} * b.n / {_N}, "
    f"'m2', a.m2 + b.m2 + {_D} * {_D} * a.n * b.n / {_N}, "
    f"'m3', a.m3 + b.m3 + pow({_D}, 3D) * a.n * b.n * (a.n - b.n) / ({_N} * {_N})"
    f" + 3D * {_D} * (a.n * b.m2 - b.n * a.m2) / {_N}, "
    f"'m4', a.m4 + b.m4 + pow({_D}, 4D) * a.n * b.n * (a.n * a.n - a.n * b.n + b.n * b.n) / pow({_N}, 3D)"
    f" + 6D * {_D} * {_D} * (a.n * a.n * b.m2 + b.n * b.n * a.m2) / ({_N} * {_N})"
    f" + 4D * {_D} * (a.n * b.m3 - b.n * a.m3) / {_N})"
)
# In the order of their values, so that the result does not depend on that of the tiles.
MERGED = (
    "reduce(slice(sort_array(collect_list({x}){filter}), 2, 1000000), try_element_at(sort_array(collect_list({x})"
    f"{{filter}}), 1), (a, b) -> {_BOTH})"
)
VARIANCE = f"transform(array({MERGED}), m -> m.m2 / m.n)[0]"
SKEWNESS = f"transform(array({MERGED}), m -> sqrt(m.n) * m.m3 / nullif(pow(m.m2, 1.5D), 0D))[0]"
KURTOSIS = f"transform(array({MERGED}), m -> m.n * m.m4 / nullif(m.m2 * m.m2, 0D) - 3D)[0]"
