"""The mean of decimals, rounded once: by Spark's division where its result has the digits, else by long division.

Spark gives a quotient at most 38 digits and takes what does not fit from those after the point, so a total of many
digits divided by a number of rows may lack the last of what `avg` would give, or have been rounded to a halfway that
is rounded again.
"""

from headrace.expressions import DataType, decimal

_CHUNK, _CHUNKS = 9, 5  # digits that are divided at once, and how many times: 38 of the total and up to four more


def mean_type(of: DataType) -> DataType:
    """Spark's own type of `avg` of a decimal(p, s)."""
    return decimal(min((of.precision or 0) + 4, 38), min((of.scale or 0) + 4, 38))


def is_one_division(of: DataType) -> bool:
    """Whether Spark's division alone gives the mean, with no digit lost or rounded twice."""
    kept, kind = _kept(of), mean_type(of)
    return (of.precision or 0) <= 17 or (kept == kind.scale and not _lacks_digits(of))


def _kept(of: DataType) -> int:
    """The scale of the quotient.

    Source: org.apache.spark.sql.catalyst.expressions.Divide, Spark 4.1: decimal(p1, s1) / decimal(20, 0) has a scale of
    max(6, s1 + 21), less what is over 38 digits, down to 6.
    """
    total, scale = min((of.precision or 0) + 10, 38), of.scale or 0
    return scale + 21 if total + 21 <= 38 else max(38 - (total - scale), 6)


def _lacks_digits(of: DataType) -> bool:
    """Whether the quotient has too few digits after the point, or before it."""
    before = (of.precision or 0) - (of.scale or 0)
    return _kept(of) < (mean_type(of).scale or 0) or 38 - _kept(of) < before


def mean_sql(of: DataType) -> str:
    """SQL over `{total}` and `{n}`, rounded half up."""
    kind, quotient = mean_type(of), "{total} / cast({n} as decimal(20,0))"
    divided = f"cast({quotient} as {kind.sql()})"
    if is_one_division(of):
        return divided
    if _lacks_digits(of):
        return _long_division(of)
    # What looks like halfway may have been rounded to it.
    unit = f"cast('1E-{kind.scale}' as decimal(38,{kind.scale}))"
    half = f"cast('5E-{(kind.scale or 0) + 1}' as decimal(38,{(kind.scale or 0) + 1}))"
    return f"CASE WHEN abs(({quotient}) % {unit}) = {half} THEN {_long_division(of)} ELSE {divided} END"


def _long_division(of: DataType) -> str:
    """The digits of the total as they stand, nine at once, and the rest of each step before the next."""
    kind = mean_type(of)
    more = (kind.scale or 0) - (of.scale or 0)
    digits = f"lpad(concat(translate(cast({{total}} as string), '-.', ''), '{'0' * more}'), {_CHUNK * _CHUNKS}, '0')"
    starts = ", ".join(str(1 + _CHUNK * i) for i in range(_CHUNKS))
    chunks = f"transform(array({starts}), i -> cast(substr({digits}, i, {_CHUNK}) as decimal({_CHUNK},0)))"
    rows, base = "cast({n} as decimal(19,0))", f"cast({10**_CHUNK} as decimal(10,0))"
    shifted = f"(a.rest * {base} + c)"
    quotient = f"concat(a.quotient, lpad(cast({shifted} div {rows} as string), {_CHUNK}, '0'))"
    rest = f"cast({shifted} % {rows} as decimal(19,0))"
    start = "named_struct('quotient', '', 'rest', cast(0 as decimal(19,0)))"
    divided = f"aggregate({chunks}, {start}, (a, c) -> named_struct('quotient', {quotient}, 'rest', {rest}))"
    up = f"CASE WHEN a.rest + a.rest >= {rows} THEN 1 ELSE 0 END"
    sign = "CASE WHEN {total} < 0 THEN '-' ELSE '' END"
    rounded = f"concat({sign}, cast(cast(a.quotient as decimal(38,0)) + {up} as string), 'E-{kind.scale}')"
    return f"transform(array({divided}), a -> cast({rounded} as {kind.sql()}))[0]"
