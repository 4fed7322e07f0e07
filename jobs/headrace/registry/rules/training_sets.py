"""Training sets: features that exist, keys to find them by, names that are free, expressions that fit."""

from collections.abc import Iterator, Mapping

from headrace.errors import Problem
from headrace.expressions import DataType
from headrace.registry.columns import Columns
from headrace.registry.project import Located, Project
from headrace.registry.rules.faults import Path, in_expression, item, missing_column
from headrace.registry.rules.naming import Taken, unfit
from headrace.registry.scopes import Scope
from headrace.registry.suggesting import did_you_mean
from headrace.registry.training_columns import MATURE, SPLIT, TrainingColumns
from headrace.spec import FeatureGroup, FeatureReference, FeatureTable, TrainingSet
from headrace.spec.training_set import EVERYTHING


def of(project: Project, columns: Columns) -> Iterator[tuple[Located[TrainingSet], TrainingColumns]]:
    """Every training set with its columns."""
    for located in project.training_sets.values():
        yield located, TrainingColumns(project, columns, located.spec, located.left_out)


def features(project: Project, columns: Columns) -> Iterator[Problem]:
    """Columns that the named groups and feature tables have, of versions that there can be."""
    for located, found in of(project, columns):
        for index, reference in enumerate(located.spec.features):
            path, source = ("features", index), found.source_of(reference)
            if source is None:
                continue
            if reference.version is not None:
                yield from _version(located, path, reference, source.spec)
            available = found.available(reference)
            if available is None:
                continue
            scope = Scope(reference.from_, available)
            if not found.is_other_version(reference):
                owner = columns.outputs(source.spec).scope if isinstance(source.spec, FeatureGroup) else None
                scope = Scope(reference.name, available, {*(owner.untyped if owner else ()), *source.left_out})
            for place, column in enumerate(reference.columns):
                if column != EVERYTHING and scope.lacks(column):
                    yield missing_column(located, _listed(located, index, place), column, scope)


def keys(project: Project, columns: Columns) -> Iterator[Problem]:
    """Every entity's keys are columns of the spine, under their own names or those that `keys` gives."""
    for located, found in of(project, columns):
        spine = found.spine()
        everybody = [found.entity_keys(reference) for reference in located.spec.features]
        everybody += [found.label_keys(label) for label in located.spec.labels.values()]
        if all(everybody):
            known = {key: kind for wanted in everybody for key, kind in wanted.items()}
            yield from _renames(located, ("spine", "keys"), located.spec.spine.keys, known)
        for index, reference in enumerate(located.spec.features):
            wanted, path = found.entity_keys(reference), ("features", index)
            yield from _renames(located, (*path, "keys"), reference.keys, wanted)
            if spine is not None:
                named = {key: found.renamed(key, reference.keys) for key in wanted}
                yield from _absent(located, path, named, wanted, spine)
        for name, label in located.spec.labels.items():
            wanted, at = found.label_keys(label), ("labels", name)
            yield from _renames(located, (*at, "keys"), label.keys, wanted)
            if spine is not None:
                named = {key: found.renamed(key, label.keys) for key in wanted}
                yield from _absent(located, (*at, "source"), named, wanted, spine)


def names(project: Project, columns: Columns) -> Iterator[Problem]:
    """One column of each name: spine, features, expressions, labels, split."""
    for located, found in of(project, columns):
        taken = Taken()
        for name in found.spine_known():
            taken.claim(name, f"column {name} of the spine")
        for one in found.chosen():
            reference = located.spec.features[one.reference]
            if first := taken.claim(one.name, f"{reference.from_}.{one.column}"):
                path = _listed(located, one.reference, one.listed)
                hint = f"give one of them a prefix, as in {{from: {reference.from_}, prefix: {reference.name[:3]}_}}"
                message = f"'{one.name}' of {reference.from_} is taken by {first}"
                yield located.problem(path, "duplicate-column", message, hint=hint)
        for field, own in (("expressions", located.spec.expressions), ("labels", located.spec.labels)):
            for name in own:
                path = (field, name)
                if problem := unfit(located, path, name):
                    yield problem
                elif first := taken.claim(name, f"{field.removesuffix('s')} {name}"):
                    message = f"'{name}' is taken by {first}"
                    yield located.problem(path, "duplicate-column", message, hint="choose another name", key=True)
        for name in located.spec.labels:
            if first := taken.claim(name + MATURE, f"label {name}"):
                message = f"label {name} needs the column '{name}{MATURE}', which is taken by {first}"
                yield located.problem(("labels", name), "duplicate-column", message, hint="rename that one", key=True)
        if located.spec.split is not None and (first := taken.claim(SPLIT, "the split")):
            message = f"the split needs the column '{SPLIT}', which is taken by {first}"
            yield located.problem(("split",), "duplicate-column", message, hint="rename that one", key=True)


def served(project: Project, columns: Columns) -> Iterator[Problem]:
    """`as_served` reads what was served: never a draft."""
    for located, found in of(project, columns):
        if located.spec.read != "as_served":
            continue
        for index, reference in enumerate(located.spec.features):
            group = found.version_of(reference)
            if group is not None and group.draft:
                message = f"{reference.from_} is a draft, whose snapshots nobody was served"
                hint = "remove `draft` from the group, or take `read: exact`"
                if found.is_other_version(reference):
                    message = f"{reference.from_} was a draft, whose snapshots nobody was served"
                    hint = "take another version, or `read: exact`"
                yield located.problem(("features", index), "draft-served", message, hint=hint)


def expressions(project: Project, columns: Columns) -> Iterator[Problem]:
    """Expressions over features and columns of the spine, never over labels."""
    for located, found in of(project, columns):
        scope, outcomes = found.expressions()
        for name, outcome in outcomes.items():
            where = f"{located.spec.name}.{name}"
            text = located.spec.expressions[name]
            yield from in_expression(located, ("expressions", name), text, outcome, scope, where)


def split(project: Project, columns: Columns) -> Iterator[Problem]:
    """A boundary that leaves rows on both sides."""
    for located in project.training_sets.values():
        spine, given = located.spec.spine, located.spec.split
        if given is None:
            continue
        longest = max((label.end_us for label in located.spec.labels.values()), default=0)
        if spine.from_ is not None and spine.from_ + longest > given.train_until:
            message = "no horizon ends before `train_until`: there is nothing to train on"
            yield located.problem(("split", "train_until"), "split", message, hint="take a later day")
        elif spine.to is not None and spine.to <= given.train_until + given.embargo.us:
            message = "no instant is after `train_until` and the embargo: there is nothing to test on"
            yield located.problem(("split", "train_until"), "split", message, hint="take an earlier day")


def folders(project: Project, columns: Columns) -> Iterator[Problem]:
    """No set is where the folders of another one are: who looks after its table would delete them."""
    for name, located in project.training_sets.items():
        other = name.removesuffix("_parquet")
        if other != name and other in project.training_sets:
            message = f"the Parquet files of {other} lie where the table of {name} is"
            yield located.problem(("name",), "name-clash", message, hint="choose another name")


def _version(
    located: Located[TrainingSet], path: Path, reference: FeatureReference, spec: FeatureGroup | FeatureTable
) -> Iterator[Problem]:
    assert reference.version is not None
    if isinstance(spec, FeatureTable):
        message, hint = f"{spec.name} is a feature table, which has no versions", f"write {spec.name}"
        yield located.problem(path, "unknown-version", message, hint=hint)
    elif reference.version > spec.version:
        message = f"{spec.name} has no version {reference.version} yet"
        yield located.problem(path, "unknown-version", message, hint=f"its version is {spec.version}")


def _renames(
    located: Located[TrainingSet], path: Path, renames: Mapping[str, str], keys: Mapping[str, DataType]
) -> Iterator[Problem]:
    names = {key.lower() for key in keys}
    for key in renames:
        if names and key.lower() not in names:
            message, hint = f"'{key}' is not a key here", did_you_mean(key, keys) or f"the keys are {', '.join(keys)}"
            yield located.problem((*path, key), "unknown-key", message, hint=hint, key=True)


def _absent(
    located: Located[TrainingSet],
    path: Path,
    named: Mapping[str, str],
    keys: Mapping[str, DataType],
    spine: Mapping[str, DataType],
) -> Iterator[Problem]:
    for key, name in named.items():
        if name not in spine:
            message = f"the spine has no column '{name}', which is a key here"
            hint = did_you_mean(name, spine) or f"say which column it is, as in `keys: {{{key}: {next(iter(spine))}}}`"
            yield located.problem(path, "missing-key", message, hint=hint)
        elif spine[name] != keys[key]:
            message = f"'{name}' of the spine is {spine[name].sql()}, but '{key}' is {keys[key].sql()}"
            yield located.problem(path, "key-type", message, hint="declare the same type in both")


def _listed(located: Located[TrainingSet], index: int, place: int | None) -> Path:
    """Where a column of an entry of `features` stands: the entry itself where it is text."""
    entry = located.document.value["features"][index]
    if isinstance(entry, str) or place is None or "columns" not in entry:
        return ("features", index)
    return item(located, ("features", index, "columns"), place)
