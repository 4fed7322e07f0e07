"""What the YAML may say: one pydantic model a kind, one kind a file. No references are followed here."""

from pydantic import BaseModel

from headrace.spec.definition_test import DefinitionTest
from headrace.spec.entity import Entity
from headrace.spec.feature_group import Feature, FeatureGroup
from headrace.spec.feature_table import FeatureTable
from headrace.spec.source import Dedupe, Enrichment, Partition, RollUp, Source, TableSource

Definition = Entity | TableSource | RollUp | FeatureGroup | FeatureTable | DefinitionTest

# A source that says `from` is a roll-up; every other kind has one model.
KINDS: dict[str, type[BaseModel]] = {
    "entity": Entity,
    "source": TableSource,
    "feature_group": FeatureGroup,
    "feature_table": FeatureTable,
    "test": DefinitionTest,
}

__all__ = [
    "KINDS",
    "Dedupe",
    "Definition",
    "DefinitionTest",
    "Enrichment",
    "Entity",
    "Feature",
    "FeatureGroup",
    "FeatureTable",
    "Partition",
    "RollUp",
    "Source",
    "TableSource",
]
