"""Random rows from a seed: hundreds of cases at once are more than Hypothesis draws in one example (it gives up, silently).

Every run has a seed of its own, which a failure names: HEADRACE_TEST_SEED=… runs again with the same rows.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from random import Random, SystemRandom
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

Draw = Callable[[Random], Any]

SEED = int(os.environ.get("HEADRACE_TEST_SEED") or SystemRandom().getrandbits(63))
# Nothing to shrink, and each example is a Spark job of hundreds of cases: one, with the seed of this run.
randomly = settings(max_examples=1, deadline=None, phases=(Phase.explicit, Phase.generate), database=None)
seeds = given(seed=st.just(SEED))


def one_of(*choices: Any) -> Draw:
    """One of some values; a function among them draws its own."""

    def draw(random: Random) -> Any:
        choice = random.choice(choices)
        return choice(random) if callable(choice) else choice

    return draw


def between(least: int, most: int, step: int = 1) -> Draw:
    """A whole number, in steps."""
    return lambda random: random.randrange(least, most + 1, step)


def rows(columns: Mapping[str, Draw], most: int) -> Callable[[Random], list[dict[str, Any]]]:
    """Up to `most` rows."""
    return lambda random: [
        {name: draw(random) for name, draw in columns.items()} for _ in range(random.randint(0, most))
    ]


def unique(found: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The last row of each key."""
    return list({row[key]: row for row in found}.values())
