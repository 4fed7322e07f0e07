"""What became of intervals, printed as they end."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.runner.materialize import Materialized


def print_results(results: "Iterable[Materialized]", is_json: bool) -> "list[Materialized]":
    """Prints a line for each interval as soon as it is there; as JSON a list of all, also where one of them fails.

    Args:
        results: Intervals that are computed as they are asked for.
        is_json: Whether to print JSON.

    Returns:
        All of them.
    """
    done: list[Materialized] = []
    try:
        for one in results:
            done.append(one)
            if not is_json:
                print(one.sentence(), flush=True)
    finally:
        if is_json:
            print(json.dumps([asdict(one) for one in done], indent=2))
    return done
