"""What is made of what, in its three forms; no JVM."""

import json
from pathlib import Path

import pytest

from headrace.cli.app import run

DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: entity
name: product
keys: {product_id: bigint}
---
kind: feature_table
name: products
entity: product
table: raw.products
columns: {product_id: bigint, department: string}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, basket_id: bigint, product_id: bigint, amount: double, sold_at: timestamp}
enrich:
  - {from: products, on: {product_id: product_id}, columns: [department]}
---
kind: source
name: baskets
from: sales
group_by: [customer_id, basket_id]
columns: {value: sum(amount)}
span: 0s
---
kind: feature_group
name: spend
version: 3
entity: customer
source: sales
every: 1d
start: 2024-01-01
features: {spend: {aggregate: sum, of: amount, window: 7d}}
---
kind: training_set
name: big
spine: {entity: customer, source: sales, every: 1d, from: 2024-01-02, to: 2024-02-01}
features: [spend.*, {from: spend@2, prefix: old_}]
labels: {most: {source: baskets, aggregate: max, of: value, horizon: 7d}}
"""
TEXT = """\
table raw.products
└─ feature table products
   └─ source sales
      ├─ roll-up baskets
      │  └─ training set big
      ├─ group spend@3
      │  └─ training set big
      └─ training set big
table raw.sales
└─ source sales (see above)
group spend@2, no longer defined
└─ training set big
"""
AROUND_SPEND_3 = """\
flowchart LR
  n0[("table raw.products")]
  n1[("table raw.sales")]
  n2[("feature table products")]
  n3["source sales"]
  n4(["group spend@3"])
  n5{{"training set big"}}
  n0 --> n2
  n1 --> n3
  n2 --> n3
  n3 --> n4
  n4 --> n5
"""


@pytest.fixture
def project(tmp_path: Path) -> str:
    (tmp_path / "feature_defs").mkdir()
    (tmp_path / "feature_defs" / "a.yaml").write_text(DEFINITIONS)
    return str(tmp_path)


def test_as_a_tree_and_as_a_chart(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", project, "status", "--lineage"]) == 0
    assert capsys.readouterr().out == TEXT
    assert run(["--project", project, "status", "--lineage", "spend@3", "--format", "mermaid"]) == 0
    assert capsys.readouterr().out == AROUND_SPEND_3


def test_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--project", project, "status", "training-set", "big", "--lineage", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    label = {node["id"]: (node["kind"], node["name"], node["version"], node["defined"]) for node in found["nodes"]}
    assert ("feature_group", "spend", 2, False) in label.values()
    assert [(label[e["from"]][1], label[e["to"]][1]) for e in found["edges"]] == [
        ("raw.products", "products"),
        ("raw.sales", "sales"),
        ("products", "sales"),
        ("sales", "baskets"),
        ("sales", "spend"),
        ("sales", "big"),
        ("baskets", "big"),
        ("spend", "big"),
        ("spend", "big"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--lineage speed", "nothing is called 'speed'"),
        ("--lineage spend big", "status takes one name, and then there is 'big'"),
        ("--format mermaid", "--format mermaid draws a lineage; add --lineage"),
    ],
)
def test_what_cannot_be_shown(project: str, capsys: pytest.CaptureFixture[str], line: str, said: str) -> None:
    assert run(["--project", project, "status", *line.split()]) == 2
    assert said in capsys.readouterr().err
