"""What tiles hold: one column for each partial state that features need, named after all that affects its values."""

from dataclasses import dataclass

from headrace.aggregates import AGGREGATES, State
from headrace.expressions import DataType
from headrace.logical.features import AggregateFeature, FeatureSet
from headrace.logical.fingerprint import fingerprint
from headrace.logical.pruning import pruned_features
from headrace.logical.tiling import Tiling

_LISTS = ("smallest_k", "largest_k")


@dataclass(frozen=True, slots=True)
class TileState:
    """A partial state of the events of one key and one tile.

    Attributes:
        column: Its column; states of the same name hold the same.
        state: How rows become it.
        feature: A feature that needs it; its input, condition and parameters are the state's.
    """

    column: str
    state: State
    feature: AggregateFeature


def states_of(feature: AggregateFeature) -> tuple[State, ...]:
    """The partial states that a feature's value is made of."""
    aggregate = AGGREGATES[feature.aggregate]
    of_type = DataType.parse(feature.of_type) if feature.of_type else None
    decayed = aggregate.decayed(of_type) if feature.decay else None
    return decayed[0] if decayed else aggregate.states(of_type)


def tile_states(features: FeatureSet, tiling: Tiling) -> dict[str, dict[str, TileState]]:
    """The states of every feature that tiles serve, by name of the state, by output column."""
    return {feature.name: _of_feature(features, tiling, feature) for feature in tiling.served}


def _of_feature(features: FeatureSet, tiling: Tiling, feature: AggregateFeature) -> dict[str, TileState]:
    events = pruned_features(features, {feature.name}).events
    shared = [events, features.keys, features.order, tiling.buckets, feature.of, feature.of_type, feature.where]
    found = {}
    for state in states_of(feature):
        k = feature.k if state.merge in _LISTS else None
        decay = feature.decay if state.merge == "decayed" else None
        steps = [sorted(step.items()) for step in state.steps]
        what = [state.prepare, steps, state.merge, feature.revision, k, decay]
        what += [state.kind.sql()] if state.kind else []
        found[state.name] = TileState(f"_{state.name}_{fingerprint([*shared, what])}", state, feature)
    return found
