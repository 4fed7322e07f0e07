"""Exactly rounded sums of doubles out of integer sums, in Spark's own code.

A double in range is split, without error, into three integers ("limbs") in units of 2^-10, 2^-50 and 2^-90.
Integer sums do not depend on order, so the total is exact, and it is rounded once: the result is `math.fsum`'s
whatever the partitioning. Values that the limbs cannot hold raise `OUT_OF_RANGE`, totals that outgrow a bigint raise
Spark's overflow; both are caught by the engine, which then takes the slower way (`engine.wide_sum`).

Why the rounding is exact. `steps` makes the total non-negative and carries, so that it is H*2^-10 + L1*2^-50 +
L2*2^-90 with 0 <= L1, L2 < 2^40.
- H < 2^13: H*2^40 + L1 < 2^53 and L2 are doubles without error; their one addition rounds once.
- H >= 2^13: RN(H)*2^-10 is a double s; the error e of RN(H) is a multiple of 2^-10 of at most 1/2, so e + L1*2^-50
  fits 50 bits. The total is at least 8, where neighbouring doubles are 2^-49 or more apart and every tie is a multiple
  of 2^-50; so any L2 > 0 rounds like 2^-52 (a sticky bit), and s + (e + L1*2^-50 + sticky) rounds once.
"""

from headrace.aggregates.declaration import Finalize, State

OUT_OF_RANGE = "headrace-exact-sum-out-of-range"
LARGEST = 2.0**43
_LIMB = f"{2.0**40!r}D"
_MASK = 2**40 - 1

_V = "cast({value} as double)"
_R0 = f"rint({_V} * 1024D)"
_F1 = f"(({_V} * 1024D - {_R0}) * {_LIMB})"
_F2 = f"(({_F1} - rint({_F1})) * {_LIMB})"

STATES = (
    State("h0", f"cast({_R0} as bigint)", "sum"),
    State("h1", f"cast(rint({_F1}) as bigint)", "sum"),
    State(
        "h2",
        f"CASE WHEN {{value}} IS NULL THEN NULL WHEN abs({_V}) < {LARGEST!r}D AND {_F2} = rint({_F2}) "
        f"THEN cast({_F2} as bigint) ELSE raise_error('{OUT_OF_RANGE}') END",
        "sum",
    ),
)

_STEPS = (
    {"negative": "({h0} + shiftright({h1} + shiftright({h2}, 40), 40)) < 0L"},
    {f"m{i}": f"CASE WHEN {{negative}} THEN -{{h{i}}} ELSE {{h{i}}} END" for i in range(3)},
    {"carried": "{m1} + shiftright({m2}, 40)", "low": f"{{m2}} & {_MASK}L"},
    {"high": "{m0} + shiftright({carried}, 40)", "middle": f"{{carried}} & {_MASK}L"},
    {
        "magnitude": "CASE WHEN {high} < 8192L "
        f"THEN cast((shiftleft({{high}}, 40) | {{middle}}) as double) * {2.0**-50!r}D + cast({{low}} as double) * {2.0**-90!r}D "
        "ELSE cast({high} as double) / 1024D + (cast({high} - cast(cast({high} as double) as bigint) as double) / 1024D "
        f"+ cast({{middle}} as double) * {2.0**-50!r}D + CASE WHEN {{low}} > 0L THEN {2.0**-52!r}D ELSE 0D END) END"
    },
    {"total": "CASE WHEN {negative} THEN -{magnitude} ELSE {magnitude} END"},
)

TOTAL = Finalize("{total}", _STEPS)
