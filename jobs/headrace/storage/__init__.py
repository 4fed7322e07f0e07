"""Tables on disk: sources at a pinned version, the ledger, staged results and feature tables."""

from headrace.storage.address import Address
from headrace.storage.commits import Commit
from headrace.storage.delta_table import DeltaTable
from headrace.storage.feature_tables import FEATURE_DATE, FEATURE_TIME, FeatureTable
from headrace.storage.fenced import Computing
from headrace.storage.layout import Layout
from headrace.storage.ledger import Ledger
from headrace.storage.ledger_around import Around
from headrace.storage.lost import is_between, is_by, lost
from headrace.storage.source_changes import LogSince, SourceChange, late_rows, log_since, static_change_since
from headrace.storage.staging import StagedTable, Staging
from headrace.storage.tables import Lake
from headrace.storage.tile_builds import TileBuilds, TileNeed
from headrace.storage.tile_tables import TileTable
from headrace.storage.training_tables import TrainingTable

__all__ = [
    "FEATURE_DATE",
    "FEATURE_TIME",
    "Address",
    "Around",
    "Commit",
    "Computing",
    "DeltaTable",
    "FeatureTable",
    "Lake",
    "Layout",
    "Ledger",
    "LogSince",
    "SourceChange",
    "StagedTable",
    "Staging",
    "TileBuilds",
    "TileNeed",
    "TileTable",
    "is_between",
    "is_by",
    "late_rows",
    "log_since",
    "lost",
    "static_change_since",
    "TrainingTable",
]
