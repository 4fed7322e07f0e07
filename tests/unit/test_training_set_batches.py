"""Which groups of a training set are computed together: no JVM."""

from headrace.engine.training_set import _batches
from headrace.logical.training_set import Computed
from tests.oracle.project import features_of

YAML = """
kind: entity
name: account
keys: {account: bigint}
---
kind: source
name: payments
table: t.payments
event_time: paid_at
columns: {account: bigint, paid_at: timestamp, amount: double}
---
kind: feature_group
name: g
version: 1
entity: account
source: payments
every: 1d
start: 2024-01-01
features: {%s: {aggregate: sum, of: amount, window: 3d}}
"""


def computed(feature: str) -> Computed:
    return Computed(features_of(YAML % feature, "g"), ((feature, feature),), (("account", "account"),), "payments")


def test_names_that_differ_in_case_only_are_the_same_column() -> None:
    first, second, third = (computed(name) for name in ("Spend", "spend", "largest"))
    assert _batches([first, second, third]) == [[first, third], [second]]
