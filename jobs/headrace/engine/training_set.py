"""Training sets: a spine with everything that is known at its instants, and with what came after.

While the set is put together its columns have names of their own, so that no spine and no feature can clash with what a
step makes on the way; they get their names at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.engine.as_of import as_of, static_lookup
from headrace.engine.bucketing import STANDARD, Sizing
from headrace.engine.kernel import Flavour
from headrace.engine.point_in_time import point_in_time
from headrace.engine.reading import Reading
from headrace.engine.rows import lower
from headrace.engine.served import with_served
from headrace.engine.spines import INSTANT
from headrace.engine.type_text import column_types
from headrace.errors import DataError
from headrace.expressions import quote_identifier, widens
from headrace.logical import FeatureSet
from headrace.logical.pruning import scans_of
from headrace.logical.training_set import Computed, Label, LookedUp, Lookup, Served, TrainingSet
from headrace.registry.training_columns import MATURE, SPLIT

_TIME = "_time"


@dataclass(frozen=True)
class Inputs:
    """What a training set is made from.

    Attributes:
        reading: Where events and feature tables come from.
        snapshots: A group's snapshots for what reads them; called for `Served` lookups only.
        watermarks: Instant up to which each source of a label is complete; None when it has no events.
        sizing: How large buckets get.
        flavour: Which code the kernel runs; None chooses.
    """

    reading: Reading
    snapshots: Callable[[Served], DataFrame]
    watermarks: Mapping[str, int | None] = field(default_factory=dict)
    sizing: Sizing = STANDARD
    flavour: Flavour | None = None


def training_set(node: TrainingSet, spine: DataFrame, inputs: Inputs) -> DataFrame:
    """Every row of the spine once, with features, expressions, labels and the split.

    Args:
        node: What to compute.
        spine: Its rows, as `spine_rows` gives them; any extra columns.
        inputs: Where everything comes from.

    Returns:
        Columns of the spine, features in the order they are listed, expressions, each label with `<label>__mature`, and
        `split`. A row with a null key or instant has null in every feature and label about that key. Rows of
        immature labels are left out where a label says so.

    Raises:
        DataError: The spine lacks a key or has it with another type, or has a column of a feature's name.
    """
    spine = _spelled(node, spine)
    given = [name for name in spine.columns if name != INSTANT]
    _require_columns(node, spine, given)
    _require_types(node, spine)
    scope = inputs.reading.scope
    working = {name: name if name in scope else f"_spine_{place}" for place, name in enumerate(given)}
    rows = spine.select(
        *[F.col(quote_identifier(name)).alias(alias) for name, alias in working.items()],
        INSTANT,
        F.expr(f"timestamp_micros({INSTANT})").alias(_TIME),
    )
    bare = rows
    rows, made = _with_lookups(node, rows, bare, working, inputs)
    rows, raw = _with_labels(node.labels, rows, bare, working, inputs)
    names = {alias: name for name, alias in working.items()}
    rows = rows.select(
        *[F.col(alias).alias(name) for alias, name in names.items()],
        *[F.col(made[name]).alias(name) for name in node.columns],
        *raw.values(),
        INSTANT,
    )
    for name, expression, kind in node.expressions:
        rows = rows.withColumn(name, F.expr(f"cast(({expression.text}) as {kind})"))
    rows = _finished_labels(node, rows, raw, inputs.watermarks)
    if node.split is not None:
        rows = rows.withColumn(SPLIT, F.expr(_split(node)))
    columns = [*given, *node.columns, *(name for name, _, _ in node.expressions)]
    columns += [column for label in node.labels for column in (label.name, label.name + MATURE)]
    columns += [SPLIT] if node.split is not None else []
    return rows.select(*[F.col(quote_identifier(name)) for name in columns])


def _asking(node: TrainingSet) -> tuple[Lookup | Label, ...]:
    """Whatever is found by keys."""
    return *node.lookups, *node.labels


def _spelled(node: TrainingSet, spine: DataFrame) -> DataFrame:
    """The spine with its keys as the definition spells them: names have no case."""
    wanted = {name.lower(): name for one in _asking(node) for _, name in one.keys}
    return spine.withColumnsRenamed(
        {name: wanted[name.lower()] for name in spine.columns if wanted.get(name.lower(), name) != name}
    )


def _require_types(node: TrainingSet, spine: DataFrame) -> None:
    """Keys whose values the entity's own type holds: a cast would make others of them, or null."""
    types = column_types(spine.schema)
    for one in _asking(node):
        wanted = _key_types(one)
        for key, name in one.keys:
            if not widens(types[name], wanted[key]):
                message = f"{node.name}: '{name}' of the spine is {types[name]}, but the key '{key}' is {wanted[key]}"
                raise DataError(message, "list it in the spine's `columns` with that type, or cast it in the table")


def _key_types(one: Lookup | Label) -> dict[str, str]:
    if isinstance(one, LookedUp):
        return {column.name: column.type for scan in scans_of(one.table) for column in scan.columns}
    return {key.name: key.type for key in one.features.keys}


def _require_columns(node: TrainingSet, spine: DataFrame, given: Sequence[str]) -> None:
    """Every key there, and no name twice."""
    folded = {name.lower(): name for name in given}
    wanted = [pair for one in _asking(node) for pair in one.keys]
    for key, name in wanted:
        if name not in given:
            hint = f"say which column it is, as in `keys: {{{key}: {given[0]}}}`"
            raise DataError(f"{node.name}: the spine has no column '{name}', which is a key", hint)
    outputs = [*node.columns, *(name for name, _, _ in node.expressions), *(label.name for label in node.labels)]
    outputs += [label.name + MATURE for label in node.labels] + ([SPLIT] if node.split is not None else [])
    for name in outputs:
        if name.lower() in folded:
            hint = "give the features a `prefix`, or list the spine's other columns in its `columns`"
            raise DataError(f"{node.name}: the spine has a column '{folded[name.lower()]}' already", hint)


def _with_lookups(
    node: TrainingSet, rows: DataFrame, bare: DataFrame, working: Mapping[str, str], inputs: Inputs
) -> tuple[DataFrame, dict[str, str]]:
    """The rows with everything that is looked up or computed, and the working column of each output."""
    made: dict[str, str] = {}
    for batch in _batches([lookup for lookup in node.lookups if isinstance(lookup, Computed)]):
        keys = {key: working[name] for key, name in batch[0].keys}
        sets = [lookup.features for lookup in batch]
        rows = point_in_time(sets, rows, _TIME, inputs.reading, keys, inputs.sizing, inputs.flavour, counted=bare)
        rows = _taken(rows, sets, [pair for lookup in batch for pair in lookup.outputs], made)
    for lookup in node.lookups:
        keys_of = [working[name] for _, name in lookup.keys]
        if isinstance(lookup, Served):
            rows = with_served(rows, lookup, INSTANT, keys_of, inputs.snapshots(lookup), inputs.reading.scope)
            rows = _taken(rows, [lookup.features], lookup.outputs, made)
        elif isinstance(lookup, LookedUp):
            columns = {column: f"_feature_{len(made) + place}" for place, (column, _, _) in enumerate(lookup.outputs)}
            made |= {name: columns[column] for column, name, _ in lookup.outputs}
            rows = _looked_up(rows, lookup, columns, working, inputs.reading)
    return rows, made


def _looked_up(
    rows: DataFrame, lookup: LookedUp, columns: Mapping[str, str], working: Mapping[str, str], reading: Reading
) -> DataFrame:
    on = [(key, working[name]) for key, name in lookup.keys]
    table = lower(lookup.table, reading)
    if not lookup.is_dated:
        found = static_lookup(rows, table, on, columns, lookup.name, reading.scope)
        # What holds at all times holds at no instant.
        known = {name: F.when(F.col(INSTANT).isNotNull(), F.col(name)) for name in columns.values()}
        return found.withColumns(known)
    return as_of(rows, INSTANT, table, on, columns, lookup.order, lookup.max_age_us, reading.scope)


def _batches(lookups: Sequence[Computed]) -> list[list[Computed]]:
    """Lookups that can be computed together: by the same keys, with no two features of one name, whatever its case."""
    batches: list[list[Computed]] = []
    for lookup in lookups:
        names = {column.name.lower() for column in lookup.features.columns}
        for batch in batches:
            taken = {column.name.lower() for other in batch for column in other.features.columns}
            if batch[0].keys == lookup.keys and not names & taken:
                batch.append(lookup)
                break
        else:
            batches.append([lookup])
    return batches


def _taken(
    rows: DataFrame, sets: Sequence[FeatureSet], outputs: Sequence[tuple[str, str]], made: dict[str, str]
) -> DataFrame:
    """The rows with the columns that are taken under working names, without those that are not."""
    features = {column.name for features in sets for column in features.columns}
    aliases = {}
    for _, name in outputs:
        aliases[name] = made[name] = f"_feature_{len(made)}"
    return rows.select(
        *[F.col(quote_identifier(name)) for name in rows.columns if name not in features],
        *[F.col(quote_identifier(column)).alias(aliases[name]) for column, name in outputs],
    )


def _with_labels(
    labels: Sequence[Label], rows: DataFrame, bare: DataFrame, working: Mapping[str, str], inputs: Inputs
) -> tuple[DataFrame, dict[str, str]]:
    """The rows with the value of each label at the end of its horizon, and the column it is in."""
    raw = {label.name: f"_label_{place}" for place, label in enumerate(labels)}
    together: dict[tuple[object, ...], list[Label]] = {}
    for label in labels:
        together.setdefault((label.end_us, label.keys), []).append(label)
    for batch in together.values():
        end = F.expr(f"timestamp_micros({INSTANT} + {batch[0].end_us}L)")
        keys = {key: working[name] for key, name in batch[0].keys}
        sets = [label.features for label in batch]
        sized, asking = bare.withColumn("_end", end), rows.withColumn("_end", end)
        ended = point_in_time(sets, asking, "_end", inputs.reading, keys, inputs.sizing, inputs.flavour, counted=sized)
        rows = ended.withColumnsRenamed({label.name: raw[label.name] for label in batch}).drop("_end")
    return rows, raw


def _finished_labels(
    node: TrainingSet, rows: DataFrame, raw: Mapping[str, str], watermarks: Mapping[str, int | None]
) -> DataFrame:
    """Labels as they are declared: their expression over the value, null where the data does not reach so far."""
    for label in node.labels:
        rows = rows.withColumn(label.name + MATURE, F.expr(is_mature(label, watermarks)))
    for label in node.labels:
        value = label.expression.text if label.expression else quote_identifier(label.name)
        whole = [f"{quote_identifier(name)} IS NOT NULL" for _, name in label.keys]
        condition = " AND ".join([quote_identifier(label.name + MATURE), *whole])
        rows = rows.withColumnRenamed(raw[label.name], label.name)
        rows = rows.withColumn(label.name, F.expr(f"CASE WHEN {condition} THEN cast(({value}) as {label.type}) END"))
    for label in node.labels:
        rows = rows.where(quote_identifier(label.name + MATURE)) if label.drops else rows
    return rows


def is_mature(label: Label, watermarks: Mapping[str, int | None]) -> str:
    """SQL over a row's instant: whether the data reaches the end of the label's horizon."""
    watermark = watermarks.get(label.source)
    return "false" if watermark is None else f"coalesce({INSTANT} + {label.end_us}L <= {watermark}L, false)"


def _split(node: TrainingSet) -> str:
    assert node.split is not None
    ends = f"{INSTANT} + {node.split.longest_us}L"
    return (
        f"CASE WHEN {ends} <= {node.split.train_until_us}L THEN 'train' "
        f"WHEN {INSTANT} >= {node.split.test_from_us}L THEN 'test' END"
    )
