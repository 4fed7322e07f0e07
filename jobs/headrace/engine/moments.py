"""Moments as Spark SQL: of events by plain sums, of tiles put together two by two, and a slower way for extreme values.

A state is the number of values, their mean in two parts, and the sums of powers of deviations from it.
- Of events, the squares come from sums of what rounds nothing: values and their squares are their first 26 bits and the
  rest (Veltkamp's splitting), so that sums of 2^26 such halves are exact where values are far from zero beside their
  differences; the error of each square is known, too (Dekker, 1971). Spark's own `var_pop` follows a rounded mean,
  which costs 1e-7 of the variance of 1e9 + {0, 1, 2}. Third and fourth powers are Spark's own.
- Of tiles: P. Pébay, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
  moments" (Sandia report SAND2008-6212), equations 2.1 and 3.1.
- Where powers leave the range of doubles, values raise `OUT_OF_RANGE` and the engine takes the slower way: all values
  of a window, in order, in units of the largest.

`{x}` is the column, `{filter}` the window.
"""

from headrace.aggregates import POWERS, Merge
from headrace.aggregates.exact_sum import OUT_OF_RANGE

# Binary exponents of values whose powers, and those of whose smallest differences, are doubles that lose nothing.
_SMALLEST, _LARGEST = {2: -450, 3: -100, 4: -100}, {2: 480, 3: 150, 4: 150}


def _let(name: str, sql: str, inner: str) -> str:
    return f"transform(array({sql}), {name} -> {inner})[0]"


def _struct(**fields: str) -> str:
    return "named_struct(" + ", ".join(f"'{name}', {sql}" for name, sql in fields.items()) + ")"


def _head(x: str) -> str:
    """The first 26 bits; `x` less those has as many."""
    return f"({x} * 134217729D - ({x} * 134217729D - {x}))"


def in_parts(x: str) -> tuple[str, str]:
    """A double as its first 26 bits and the rest: sums of either lose nothing for want of bits, or next to nothing.

    Where the first bits cannot be had, the rest is zero.
    """
    fits = f"abs({x}) < {2.0**970!r}D"
    return f"CASE WHEN {fits} THEN {_head(x)} ELSE {x} END", f"CASE WHEN {fits} THEN {x} - {_head(x)} ELSE 0D END"


_FIRST = _head("{x}")
_REST = f"({{x}} - {_FIRST})"
_SQUARE = "({x} * {x})"
_SUMS = {
    "first": _FIRST,
    "rest": _REST,
    "s0": _head(_SQUARE),
    "s1": f"({_SQUARE} - {_head(_SQUARE)})",
    # What rounding took from the square.
    "s2": f"({_FIRST} * {_FIRST} - {_SQUARE} + 2D * {_FIRST} * {_REST} + {_REST} * {_REST})",
}
# Squares about `m`, the first bits of the mean: what cancels is exact. `a` is what values are above it in sum.
_ABOUT_M = (
    "u.s0 - u.n * v.mm - 2D * m * v.a + (u.s1 - u.n * (m * m - v.mm)) - 2D * m * v.b - 2D * m * (u.rest - v.b) + u.s2"
)
_SQUARES = f"greatest({_ABOUT_M} - (v.a + u.rest) * (v.a + u.rest) / u.n, 0D)"
# Spark gives them divided by powers of the variance; without variance there is nothing to divide by.
_HIGHER = {
    "m3": "coalesce(nullif(u.skewness, double('NaN')) * pow(m2, 1.5D) / sqrt(u.n), 0D)",
    "m4": "coalesce((nullif(u.kurtosis, double('NaN')) + 3D) * pow(m2, 2D) / u.n, 0D)",
}


def state(merge: Merge) -> str:
    """SQL aggregate of events that gives their state; null without values."""
    power = POWERS[merge]
    higher = {name: sql for name, sql in _HIGHER.items() if int(name[1]) <= power}
    size = f"abs({{x}}) BETWEEN {2.0 ** _SMALLEST[power]!r}D AND {2.0 ** _LARGEST[power]!r}D"
    fits = f"{{x}} IS NULL OR {{x}} = 0D OR {size} OR abs({{x}}) = double('Infinity')"
    aggregates = {name: f"sum({sql})" for name, sql in _SUMS.items()}
    aggregates |= {name: f"{name}({{x}})" for name in ("min", "max", "skewness", "kurtosis")[:power]}
    count = f"count(CASE WHEN {fits} THEN {{x}} ELSE raise_error('{OUT_OF_RANGE}') END){{filter}}"
    sums = _struct(n=f"cast({count} as double)", **{name: f"{sql}{{filter}}" for name, sql in aggregates.items()})
    about = _struct(mm=_head("(m * m)"), a="u.first - u.n * m", b=_head("u.rest"))
    general = _struct(n="u.n", mean="m", rest="(v.a + u.rest) / u.n", m2="m2", **higher)
    general = _let("m", _head("((u.first + u.rest) / u.n)"), _let("v", about, _let("m2", _SQUARES, general)))
    constant = _struct(n="u.n", mean="u.min", rest="0D", m2="0D", **dict.fromkeys(higher, "0D"))
    is_constant = "u.min = u.max AND abs(u.min) < double('Infinity')"
    return _let("u", sums, f"CASE WHEN u.n > 0D THEN CASE WHEN {is_constant} THEN {constant} ELSE {general} END END")


_N, _D = "(a.n + b.n)", "(b.mean - a.mean + (b.rest - a.rest))"
_MOVE = f"({_D} * b.n / {_N})"
# The rounded sum of a mean and a move, and what rounding took (Knuth).
_MEAN = f"(a.mean + {_MOVE})"
_LOST = f"(a.mean - ({_MEAN} - ({_MEAN} - a.mean)) + ({_MOVE} - ({_MEAN} - a.mean)))"
_BOTH = {
    "n": _N,
    "mean": _MEAN,
    "rest": f"a.rest + {_LOST}",
    "m2": f"a.m2 + b.m2 + {_D} * {_D} * a.n * b.n / {_N}",
    "m3": f"a.m3 + b.m3 + pow({_D}, 3D) * a.n * b.n * (a.n - b.n) / ({_N} * {_N})"
    f" + 3D * {_D} * (a.n * b.m2 - b.n * a.m2) / {_N}",
    "m4": f"a.m4 + b.m4 + pow({_D}, 4D) * a.n * b.n * (a.n * a.n - a.n * b.n + b.n * b.n) / pow({_N}, 3D)"
    f" + 6D * {_D} * {_D} * (a.n * a.n * b.m2 + b.n * b.n * a.m2) / ({_N} * {_N})"
    f" + 4D * {_D} * (a.n * b.m3 - b.n * a.m3) / {_N}",
}


def merged(merge: Merge) -> str:
    """SQL aggregate of states that gives the state of all; in their order, so that the tiles' does not matter."""
    both = _struct(
        **{name: sql for name, sql in _BOTH.items() if not name[1:].isdigit() or int(name[1:]) <= POWERS[merge]}
    )
    states = "sort_array(collect_list({x}){filter})"
    return f"reduce(slice({states}, 2, 1000000), try_element_at({states}, 1), (a, b) -> {both})"


_VALUES: dict[Merge, str] = {
    "var_pop": "s.m2 / s.n",
    "skewness": "sqrt(s.n) * s.m3 / nullif(pow(s.m2, 1.5D), 0D)",
    "kurtosis": "s.n * s.m4 / nullif(s.m2 * s.m2, 0D) - 3D",
}


def value(merge: Merge, of: str) -> str:
    """SQL of the value out of a state."""
    return _let("s", of, _VALUES[merge])


def slower(merge: Merge) -> str:
    """SQL aggregate of events that gives the value, for values of any size."""
    values = "sort_array(collect_list({x}){filter})"
    largest = "nullif(greatest(abs(array_min(l)), abs(array_max(l))), 0D)"
    scaled = "transform(l, x -> x * pow(2D, -(e div 2)) * pow(2D, (e div 2) - e))"
    mean = "aggregate(l, 0D, (s, x) -> s + x) / size(l)"
    rest = "aggregate(l, 0D, (s, x) -> s + (x - mean)) / size(l)"
    powers = _struct(**{f"m{p}": f"s.m{p} + {' * '.join(['(x - mean - rest)'] * p)}" for p in (2, 3, 4)})
    summed = f"aggregate(l, {_struct(m2='0D', m3='0D', m4='0D')}, (s, x) -> {powers})"
    found = _let(
        "m", summed, _let("s", _struct(n="cast(size(l) as double)", m2="m.m2", m3="m.m3", m4="m.m4"), _VALUES[merge])
    )
    found = _let("mean", mean, _let("rest", rest, found))
    found = _let("l", scaled, found)
    if merge == "var_pop":
        found += " * pow(2D, e) * pow(2D, e)"
    exponent = f"coalesce(floor(log2({largest})), 0L)"
    return _let("l", values, f"CASE WHEN size(l) > 0 THEN {_let('e', exponent, found)} END")
