"""Fingerprints: a hash of everything that affects a value, and of nothing else."""

import hashlib
import json
from dataclasses import Field, fields, is_dataclass
from typing import Any

from headrace.logical.features import FeatureSet
from headrace.logical.pruning import pruned_features
from headrace.logical.training_set import LookedUp, TrainingSet
from headrace.spec import FeatureGroup

GROUP = "_group"


def fingerprint(node: object) -> str:
    """16 hex digits over a node's canonical form; formatting, descriptions and owners are not in it."""
    text = json.dumps(_canonical(node), separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _canonical(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        kept = {f.name: _field(value, f) for f in fields(value) if f.metadata.get("fingerprint", True)}
        return {"node": type(value).__name__} | kept
    if isinstance(value, (tuple, list)):
        return [_canonical(item) for item in value]
    return value


def _field(node: object, of: Field[Any]) -> object:
    value = _canonical(getattr(node, of.name))
    return value if of.metadata.get("ordered", True) else sorted(value, key=json.dumps)  # type: ignore[call-overload]


def group_fingerprints(group: FeatureGroup, features: FeatureSet) -> dict[str, str]:
    """The fingerprints of a group's columns on its grid; where the grid begins does not matter, only its phase."""
    return feature_fingerprints(features, [group.every.us, group.start % group.every.us])


def feature_fingerprints(features: FeatureSet, grid: object) -> dict[str, str]:
    """One fingerprint for each output column, and one (`_group`) for the keys and the grid that all share.

    A column's is over the part of the events that it alone depends on, so a source may gain columns freely.
    """
    found = {GROUP: fingerprint([features.keys, grid])}
    for feature in features.aggregates:
        alone = pruned_features(features, {feature.name})
        found[feature.name] = fingerprint([alone.events, features.keys, features.order, feature])
    for expression in features.expressions:
        used = [(name, found[name]) for name in sorted(expression.expression.columns) if name in found]
        found[expression.name] = fingerprint([features.keys, expression, used])
    return found


def training_fingerprints(node: TrainingSet) -> dict[str, str]:
    """One of each feature column, one of each label, and `_set` of everything."""
    found = {"_set": fingerprint(node)}
    for lookup in node.lookups:
        if isinstance(lookup, LookedUp):
            found |= {name: fingerprint([lookup.table, lookup.order, column]) for column, name, _ in lookup.outputs}
        else:
            prints = feature_fingerprints(lookup.features, None)
            found |= {name: prints[column] for column, name in lookup.outputs}
    return found | {label.name: fingerprint(label) for label in node.labels}
