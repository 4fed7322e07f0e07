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
_LARGEST = f"{2.0**43!r}D"
_LIMB = f"{2.0**40!r}D"
_MASK = f"{2**40 - 1}L"
_REFUSE = f"raise_error('{OUT_OF_RANGE}')"

# `s` is the value in units of a limb: what the limbs before it have left over; `r` is the limb.
_V = "cast({value} as double)"
_ROW_STEPS = (
    {"s0": f"CASE WHEN {_V} IS NULL THEN NULL WHEN abs({_V}) < {_LARGEST} THEN {_V} * 1024D ELSE {_REFUSE} END"},
    {"r0": "rint({s0})"},
    {"s1": f"({{s0}} - {{r0}}) * {_LIMB}"},
    {"r1": "rint({s1})"},
    {"s2": f"({{s1}} - {{r1}}) * {_LIMB}"},
    {"r2": "rint({s2})"},
    {"s3": f"({{s2}} - {{r2}}) * {_LIMB}"},
)
STATES = (
    State("h0", "cast({r0} as bigint)", "sum", steps=_ROW_STEPS),
    State("h1", "cast({r1} as bigint)", "sum", steps=_ROW_STEPS),
    State("h2", "cast({r2} as bigint)", "sum", steps=_ROW_STEPS),
    State(
        "h3",
        f"CASE WHEN {{s3}} IS NULL THEN NULL WHEN {{s3}} = rint({{s3}}) THEN cast({{s3}} as bigint) ELSE {_REFUSE} END",
        "sum",
        steps=_ROW_STEPS,
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
        "large": "cast({high} as double) / 1024D"
        " + (cast({high} - cast(cast({high} as double) as bigint) as double) / 1024D"
        f" + cast({{l1}} as double) * {2.0**-50!r}D"
        f" + CASE WHEN {{l2}} > 0L OR {{l3}} > 0L THEN {2.0**-52!r}D ELSE 0D END)",
        "medium": f"cast({{next}} as double) * {2.0**-50!r}D"
        f" + (cast({{l2}} as double) * {2.0**-90!r}D + CASE WHEN {{l3}} > 0L THEN {2.0**-92!r}D ELSE 0D END)",
        "small": f"cast((shiftleft({{next}}, 40) | {{l2}}) as double) * {2.0**-90!r}D"
        f" + cast({{l3}} as double) * {2.0**-130!r}D",
    },
    {"magnitude": "CASE WHEN {high} >= 8192L THEN {large} WHEN {next} >= 8192L THEN {medium} ELSE {small} END"},
    {"total": "CASE WHEN {negative} THEN -{magnitude} ELSE {magnitude} END"},
)

TOTAL = Finalize("{total}", _STEPS)
