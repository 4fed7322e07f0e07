"""Exactly rounded sums of doubles out of integer sums, in Spark's own code.

A double in range is split, without error, into four integers ("limbs") in units of 2^-10, 2^-50, 2^-90 and 2^-130.
Integer sums do not depend on order, so the total is exact, and it is rounded once: the result is `math.fsum`'s
whatever the partitioning. That holds for 2^-78 <= |x| < 2^43 and zero. Any other value raises `OUT_OF_RANGE`, totals
that outgrow a bigint raise Spark's overflow; both are caught by the engine, which then takes the slower way
(`engine.wide_sum`).

Why the rounding is exact. The steps make the total non-negative and carry, so that it is
H*2^-10 + L1*2^-50 + L2*2^-90 + L3*2^-130 with 0 <= L1, L2, L3 < 2^40.
- H >= 2^13: RN(H)*2^-10 is a double s; the error e of RN(H) is a multiple of 2^-10 of at most 1/2, so e + L1*2^-50
  fits 50 bits. The total is at least 8, where neighbouring doubles are 2^-49 or more apart and every tie is a multiple
  of 2^-50; so anything below L1 rounds like 2^-52 (a sticky bit), and s + (e + L1*2^-50 + sticky) rounds once.
- Else N = H*2^40 + L1 < 2^53. N >= 2^13: N*2^-50 is a double of at least 2^-37, where every tie is a multiple of
  2^-90; so L3 > 0 rounds like 2^-92, and N*2^-50 + (L2*2^-90 + sticky) rounds once.
- Else N*2^40 + L2 < 2^53 and L3 are doubles without error; their one addition rounds once.
"""

from headrace.aggregates.declaration import Finalize, State

OUT_OF_RANGE = "headrace-exact-sum-out-of-range"
LARGEST = 2.0**43
_LIMB = f"{2.0**40!r}D"
_MASK = f"{2**40 - 1}L"

_V = "cast({value} as double)"
_S0 = f"({_V} * 1024D)"  # the value in units of each limb: what the limbs before it have left over
_S1 = f"(({_S0} - rint({_S0})) * {_LIMB})"
_S2 = f"(({_S1} - rint({_S1})) * {_LIMB})"
_S3 = f"(({_S2} - rint({_S2})) * {_LIMB})"

STATES = (
    State("h0", f"cast(rint({_S0}) as bigint)", "sum"),
    State("h1", f"cast(rint({_S1}) as bigint)", "sum"),
    State("h2", f"cast(rint({_S2}) as bigint)", "sum"),
    State(
        "h3",
        f"CASE WHEN {{value}} IS NULL THEN NULL WHEN abs({_V}) < {LARGEST!r}D AND {_S3} = rint({_S3}) "
        f"THEN cast({_S3} as bigint) ELSE raise_error('{OUT_OF_RANGE}') END",
        "sum",
    ),
)

_STEPS = (
    {"negative": "({h0} + shiftright({h1} + shiftright({h2} + shiftright({h3}, 40), 40), 40)) < 0L"},
    {f"m{i}": f"CASE WHEN {{negative}} THEN -{{h{i}}} ELSE {{h{i}}} END" for i in range(4)},
    {"c2": "{m2} + shiftright({m3}, 40)", "l3": f"{{m3}} & {_MASK}"},
    {"c1": "{m1} + shiftright({c2}, 40)", "l2": f"{{c2}} & {_MASK}"},
    {"high": "{m0} + shiftright({c1}, 40)", "l1": f"{{c1}} & {_MASK}"},
    # Only read where `high` is small: shifting a large one out of the bigint does no harm.
    {"next": "shiftleft({high}, 40) | {l1}"},
    {
        "magnitude": "CASE WHEN {high} >= 8192L "
        "THEN cast({high} as double) / 1024D + (cast({high} - cast(cast({high} as double) as bigint) as double) / 1024D "
        f"+ cast({{l1}} as double) * {2.0**-50!r}D + CASE WHEN {{l2}} > 0L OR {{l3}} > 0L THEN {2.0**-52!r}D ELSE 0D END) "
        f"WHEN {{next}} >= 8192L THEN cast({{next}} as double) * {2.0**-50!r}D "
        f"+ (cast({{l2}} as double) * {2.0**-90!r}D + CASE WHEN {{l3}} > 0L THEN {2.0**-92!r}D ELSE 0D END) "
        f"ELSE cast((shiftleft({{next}}, 40) | {{l2}}) as double) * {2.0**-90!r}D + cast({{l3}} as double) * {2.0**-130!r}D END"
    },
    {"total": "CASE WHEN {negative} THEN -{magnitude} ELSE {magnitude} END"},
)

TOTAL = Finalize("{total}", _STEPS)
