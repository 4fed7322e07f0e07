"""Tables on disk: sources at a pinned version, the ledger, staged results and feature tables."""

from headrace.storage.address import Address
from headrace.storage.delta_table import Commit, DeltaTable
from headrace.storage.feature_tables import FEATURE_DATE, FEATURE_TIME, FeatureTable
from headrace.storage.fenced import Computing
from headrace.storage.layout import Layout
from headrace.storage.ledger import Ledger
from headrace.storage.source_changes import SourceChange, change_since, late_rows, static_change_since
from headrace.storage.staging import StagedTable, Staging
from headrace.storage.tables import Lake
from headrace.storage.tile_tables import TileTable
from headrace.storage.training_tables import TrainingTable

__all__ = [
    "FEATURE_DATE",
    "FEATURE_TIME",
    "Address",
    "Commit",
    "Computing",
    "DeltaTable",
    "FeatureTable",
    "Lake",
    "Layout",
    "Ledger",
    "SourceChange",
    "StagedTable",
    "Staging",
    "TileTable",
    "change_since",
    "late_rows",
    "static_change_since",
    "TrainingTable",
]
