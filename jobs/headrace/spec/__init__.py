"""What the YAML may say: one pydantic model a kind, one kind a file. No references are followed here."""

from pydantic import BaseModel

from headrace.spec.aggregation import Aggregation
from headrace.spec.definition_test import DefinitionTest
from headrace.spec.entity import Entity
from headrace.spec.feature_group import Feature, FeatureGroup
from headrace.spec.feature_table import FeatureTable
from headrace.spec.source import Dedupe, Enrichment, Partition, RollUp, Source, TableSource
from headrace.spec.training_set import FeatureReference, Label, Spine, TrainingSet

Definition = Entity | TableSource | RollUp | FeatureGroup | FeatureTable | TrainingSet | DefinitionTest

# A source that says `from` is a roll-up; every other kind has one model.
KINDS: dict[str, type[BaseModel]] = {
    "entity": Entity,
    "source": TableSource,
    "feature_group": FeatureGroup,
    "feature_table": FeatureTable,
    "training_set": TrainingSet,
    "test": DefinitionTest,
}

__all__ = [
    "KINDS",
    "Aggregation",
    "Dedupe",
    "Definition",
    "DefinitionTest",
    "Enrichment",
    "Entity",
    "Feature",
    "FeatureGroup",
    "FeatureReference",
    "FeatureTable",
    "Label",
    "Partition",
    "RollUp",
    "Source",
    "Spine",
    "TableSource",
    "TrainingSet",
]
