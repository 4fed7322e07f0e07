"""One bucket: events and spine rows in, spine rows with states out."""

import numpy as np
import pyarrow as pa

from headrace.engine.kernel.codes import integers, present
from headrace.engine.kernel.evaluate import evaluate
from headrace.engine.kernel.flavour import HAS_NUMBA, Integers
from headrace.engine.kernel.grouping import ids_of_keys
from headrace.engine.kernel.importers import forget_zip_importers
from headrace.engine.kernel.inputs import Inputs
from headrace.engine.kernel.maps import entries
from headrace.engine.kernel.spec import BucketSpec
from headrace.engine.kernel.timeline import Timeline, timeline


def run_bucket(spec: BucketSpec, events: pa.Table, spine: pa.Table) -> pa.Table:
    """Every spine row with its states, in some order; rows without a key or an instant have nulls.

    A module-level function: as such Spark's workers import it, and numba finds what it compiled before.

    Args:
        spec: What is asked.
        events: One bucket's events, in any order; columns as in the spec, event times not null.
        spine: One bucket's spine rows, in any order, with any other columns.
    """
    if spec.flavour == "numba" and not HAS_NUMBA:
        raise RuntimeError("numba is not installed here; set HEADRACE_KERNEL=numpy, or install it on every executor")
    time = _timeline(spec, events, spine)
    inputs = Inputs(events, time, _instants(spec, spine, time.rows))
    columns = {ask.column: evaluate(ask, inputs) for ask in spec.asks}
    columns |= {wanted.column: entries(wanted, inputs) for wanted in spec.maps}
    keyless = np.setdiff1d(np.arange(len(spine)), time.rows, assume_unique=True)
    result = spine.drop_columns(list(spec.dropped)).take(pa.array(np.concatenate([time.rows, keyless])))
    for name, column in columns.items():
        result = result.append_column(name, _padded(column, len(keyless)))
    forget_zip_importers()
    return result


def _padded(column: pa.Array, nulls: int) -> pa.ChunkedArray:
    parts = [column, pa.nulls(nulls, column.type)] if nulls else [column]
    return pa.chunked_array(parts, column.type)


def _timeline(spec: BucketSpec, events: pa.Table, spine: pa.Table) -> Timeline:
    ids, event_ids, keys = ids_of_keys(spine, events, spec.keys, spec.flavour)
    ids = np.where(present(spine.column(spec.at_us)), ids, -1)
    return timeline(
        event_ids,
        integers(events.column(spec.event_us)),
        integers(events.column(spec.counts_us)) if spec.counts_us else None,
        ids,
        integers(spine.column(spec.at_us)),
        keys,
        spec.flavour,
    )


def _instants(spec: BucketSpec, spine: pa.Table, rows: Integers) -> dict[str, Integers]:
    """The spine's columns that windows begin or end at."""
    asks = [*spec.asks, *(ask for wanted in spec.maps for ask in wanted.asks)]
    windows = [ask.window for ask in asks] + [wanted.window for wanted in spec.maps]
    bounds = [bound for window in windows for bound in (window.since, window.until)] + [ask.aged_to for ask in asks]
    names = {bound for bound in bounds if isinstance(bound, str)}
    return {name: integers(spine.column(name))[rows] for name in sorted(names)}
