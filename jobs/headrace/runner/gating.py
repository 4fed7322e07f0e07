"""Which suites a run passes: real Great Expectations suites over what is read and what was computed."""

from collections.abc import Iterator

from headrace.engine.at import Span
from headrace.expectations import expected_output, with_implied
from headrace.expressions import BIGINT, TIMESTAMP, DataType
from headrace.logical import FeatureSet, Rows, Scan
from headrace.logical import RollUp as RollUpNode
from headrace.logical.pruning import instants_of
from headrace.quality import Suite
from headrace.runner.batches import Batch, Judging, chain, lookup_batch, lookups, source_batch
from headrace.runner.run import Run
from headrace.spec import FeatureGroup, RollUp


def input_batches(
    run: Run, wide_sums: bool, first_us: int | None = None, also: tuple[str, ...] = ()
) -> Iterator[Batch]:
    """Every source and feature table that the run reads, innermost first.

    Args:
        run: The run.
        wide_sums: Whether roll-ups take the slower way to exact sums.
        first_us: Where several intervals are judged at once, the end of the first; the run's is the last.
        also: More columns of the rows of sources.
    """
    judging = Judging(run.work, run.group.name, run.versions, wide_sums)
    for name in chain(run.work, run.group.source):
        for table in lookups(run.work, name):
            yield lookup_batch(judging, table, run.interval.end_us)
        keys = list(run.work.linted.columns.keys(run.group)) if name == run.group.source else []
        # A roll-up's late rows are told by their own arrival, not by that of an event.
        is_roll_up = isinstance(run.work.linted.project.sources[name].spec, RollUp)
        known_after_us = None if is_roll_up else run.unjudged.begins_after_us
        end_us, node = run.interval.end_us, run.work.building.before_quarantine(name)
        span = Span(_earliest_us(run, node, first_us or end_us), end_us, end_us, known_after_us)
        yield source_batch(judging, name, keys, span, run.unjudged, also)


def reaches_from_us(run: Run, node: Rows, end_us: int) -> int | None:
    """Nothing that happened before this counts in a snapshot.

    Args:
        run: The run.
        node: Rows of a source that the group is made of.
        end_us: The snapshot's instant.
    """
    earliest_us = run.features.since_us(end_us)
    # Events of a roll-up are made of older rows of what it is rolled up from.
    return None if earliest_us is None else earliest_us - (_spans_us(run.features.events) - _spans_us(node))


def _earliest_us(run: Run, node: Rows, first_us: int) -> int | None:
    """Before this, nothing happened that the gate looks at: within the group's reach and not judged yet."""
    since_us, instants = run.unjudged.begins_after_us, instants_of(node)
    earliest_us = reaches_from_us(run, node, first_us)
    bounds = [] if earliest_us is None else [earliest_us]
    if since_us is not None and instants.available_at is None:
        bounds.append(since_us - max(instants.delay_us, 1) - _spans_us(node))
    return max(bounds, default=None)


def _spans_us(node: Rows) -> int:
    """How much older than their events the rows of roll-ups may be."""
    return (node.span_us if isinstance(node, RollUpNode) else 0) + (
        0 if isinstance(node, Scan) else _spans_us(node.input)
    )


def output_suite(group: FeatureGroup, features: FeatureSet, rows: int) -> Suite:
    """What a computed snapshot must meet: the group's own expectations, and what follows from its definition."""
    types = {column.name: DataType.parse(column.type) for column in (*features.keys, *features.columns)}
    counts = [
        feature.name for feature in features.aggregates if feature.type == BIGINT.sql() and _counts(feature.aggregate)
    ]
    implied = expected_output(types | {"feature_time": TIMESTAMP}, [key.name for key in features.keys], counts, rows)
    return Suite(f"{group.name} output", with_implied(group.expectations, implied))


def _counts(aggregate: str) -> bool:
    return aggregate.startswith("count")
