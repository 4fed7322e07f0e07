"""What to compute, as frozen nodes: no behaviour beyond validation, no Spark. The engine lowers them."""

from headrace.logical.as_of import AsOf
from headrace.logical.clean import CleanFloats
from headrace.logical.deduplicate import Deduplicate
from headrace.logical.derive import Derive
from headrace.logical.enrich import Enrich
from headrace.logical.features import AggregateFeature, By, ExpressionFeature, FeatureSet
from headrace.logical.hindsight import Hindsight
from headrace.logical.instants import Instants
from headrace.logical.keep import Keep
from headrace.logical.node import Column, Sql
from headrace.logical.quarantine import Quarantine
from headrace.logical.roll_up import RolledUp, RollUp
from headrace.logical.scan import Partitioning, Scan

Rows = Scan | Instants | CleanFloats | Deduplicate | Enrich | AsOf | Derive | Keep | Quarantine | RollUp | Hindsight

__all__ = [
    "AggregateFeature",
    "AsOf",
    "By",
    "CleanFloats",
    "Column",
    "Deduplicate",
    "Derive",
    "Enrich",
    "ExpressionFeature",
    "FeatureSet",
    "Hindsight",
    "Instants",
    "Keep",
    "Partitioning",
    "Quarantine",
    "RollUp",
    "RolledUp",
    "Rows",
    "Scan",
    "Sql",
]
