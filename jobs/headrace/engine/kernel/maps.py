"""States by category: every (row, category) pair with a contributing event is a row of a timeline of its own.

O(k log events) a row for its k categories, and for each state what it costs for k rows.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from headrace.engine.kernel.codes import dense
from headrace.engine.kernel.evaluate import evaluate, most_frequent
from headrace.engine.kernel.flavour import Integers
from headrace.engine.kernel.grouping import match
from headrace.engine.kernel.inputs import Inputs
from headrace.engine.kernel.spec import CategoryMap
from headrace.engine.kernel.timeline import timeline


def entries(wanted: CategoryMap, inputs: Inputs) -> pa.Array:
    """For each row, a list of structs: category `c`, ascending, and the states."""
    numbers, examples = dense(inputs.ordered(wanted.category), inputs.present(wanted.category))
    counting = np.where(inputs.present(wanted.contributes), numbers, -1)
    rows, which, _ = most_frequent(inputs, wanted.category, counting, len(examples), wanted.window, wanted.most)
    order = np.lexsort((which, rows))
    rows, which = rows[order], which[order]
    by_category = _by_category(inputs, numbers, rows, which, len(examples))
    back = np.empty(len(rows), np.int64)
    back[by_category.time.rows] = np.arange(len(rows))
    fields = {"c": inputs.take(wanted.category, examples[which])}
    fields |= {ask.column: evaluate(ask, by_category).take(pa.array(back)) for ask in wanted.asks}
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(inputs.time.rows)))]).astype(np.int32)
    structs = pa.StructArray.from_arrays(list(fields.values()), list(fields))
    return pa.ListArray.from_arrays(pa.array(offsets), structs)


def _by_category(inputs: Inputs, numbers: Integers, rows: Integers, which: Integers, categories: int) -> Inputs:
    """The timeline of pairs: its rows are pairs, its events those of their key and category."""
    time = inputs.time
    row_key = np.repeat(np.arange(len(time.key_rows) - 1), np.diff(time.key_rows))
    event_code = np.where(numbers < 0, -1, time.event_key * categories + numbers)
    ids, event_ids, keys = match(row_key[rows] * categories + which, event_code, time.flavour)
    inner = timeline(event_ids, time.event_us, time.counts_us, ids, time.at_us[rows], keys, time.flavour)
    columns = {name: column[rows][inner.rows] for name, column in inputs.columns.items()}
    return Inputs(inputs.table, replace(inner, events=time.events[inner.events]), columns)
