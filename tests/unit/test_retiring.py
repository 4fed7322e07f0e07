"""A version whose table is read under another name is not retired. No JVM."""

from pathlib import Path
from typing import Any

import pytest

from headrace.errors import UsageError
from headrace.runner.retiring import retire_version
from headrace.runner.workspace import Workspace
from headrace.settings import load
from headrace.storage.tables import Lake

DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: at
columns: {customer_id: bigint, at: timestamp}
---
kind: feature_group
name: spend
version: 2
entity: customer
source: sales
every: 1d
start: 2024-01-01
features: {n: {aggregate: count, window: 7d}}
---
"""
SOURCE = """
kind: source
name: spending
table: features.spend
event_time: feature_time
columns: {customer_id: bigint, n: bigint, feature_time: timestamp}
"""
FEATURE_TABLE = """
kind: feature_table
name: spent
entity: customer
table: features.spend
time: feature_time
columns: {customer_id: bigint, n: bigint, feature_time: timestamp}
"""
SPINE = """
kind: training_set
name: spenders
spine: {table: features.spend, time: feature_time, keys: {customer_id: customer_id}}
features: [spend.*]
"""
LAKE = "lake: ./lake\nroots: [./lake]\ntables: {raw.sales: {path: ./lake/raw}, features.spend: {%s}}\n"
CATALOG = "catalog: main\nschema: shop\ntables: {features.spend: {%s}}\n"


class NothingComputed:
    """A ledger that was asked: nothing reads the version, as far as `retire` looked."""

    def outline(self, *of: object) -> list[Any]:
        return []


@pytest.mark.parametrize(
    ("definition", "conf", "place", "reader"),
    [
        (SOURCE, LAKE, "path: ./lake/features/spend_v1", "the source spending"),
        (FEATURE_TABLE, LAKE, "path: ./lake/features/spend_v1", "the feature table spent"),
        (FEATURE_TABLE, LAKE, "path: lake/raw/../features/spend_v1/", "the feature table spent"),
        (FEATURE_TABLE, LAKE, "path: ./lake/tiles/spend_v1", "the feature table spent"),
        (SPINE, LAKE, "path: ./lake/features/spend_v1", "the training set spenders"),
        (FEATURE_TABLE, CATALOG, "catalog: main.shop.features_spend_v1", "the feature table spent"),
        (FEATURE_TABLE, CATALOG, "catalog: Main.Shop.Features_Spend_v1", "the feature table spent"),
        (FEATURE_TABLE, LAKE, "path: ./lake/features/spend_v2", None),
        (FEATURE_TABLE, LAKE, "path: ./lake/elsewhere/features/spend_v1", None),
        ("", LAKE, "path: ./lake/features/spend_v1", None),
    ],
)
def test_who_reads_the_table_keeps_it(tmp_path: Path, definition: str, conf: str, place: str, reader: str) -> None:
    for folder in ("feature_defs", "conf"):
        (tmp_path / folder).mkdir()
    (tmp_path / "feature_defs" / "shop.yaml").write_text((DEFINITIONS + definition).removesuffix("---\n"))
    (tmp_path / "conf" / "local.yaml").write_text(conf % place)
    work = Workspace.open(tmp_path)
    work.__dict__.update(lake=Lake(None, load(tmp_path, "conf/local.yaml")), ledger=NothingComputed())  # type: ignore[arg-type]
    with pytest.raises(UsageError) as raised:
        retire_version(work, "spend@1", dry_run=False)
    told = f"spend@1 is read by {reader}: its table is features.spend; change that first" if reader else None
    assert str(raised.value) == (told or "spend@1 was never computed; headrace status says what is")
