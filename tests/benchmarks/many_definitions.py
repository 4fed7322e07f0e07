"""Writes a large but ordinary project: every file an entity's source and one group of features."""

from pathlib import Path

_FILE = """\
kind: entity
name: customer_{i}
keys: {{customer_id: bigint}}
---
kind: source
name: orders_{i}
description: Orders of region {i}.
owner: retail
table: raw.orders_{i}
event_time: ordered_at
timezone: Europe/Berlin
lateness: 1d
columns:
  customer_id: bigint
  order_id: bigint
  product_id: int
  channel: string
  region_{i}: string
  amount: decimal(10,2)
  discount: double
  quantity: int
  ordered_at: timestamp_ntz
derive:
  net: amount * quantity
  is_large: amount > {i}
tie_breaker: [order_id]
expectations:
  - expect_column_values_to_not_be_null: {{column: customer_id}}
  - expect_column_values_to_be_between: {{column: amount, min_value: 0, severity: warning, on_failure: quarantine}}
---
kind: feature_group
name: spend_{i}
version: 1
entity: customer_{i}
source: orders_{i}
where: amount > 0 and region_{i} <> 'test'
every: 1d
start: 2024-01-01
features:
{features}
expectations:
  - expect_column_values_to_be_between: {{column: spend_7d, min_value: 0}}
"""
_FEATURES = (
    "spend: {{aggregate: sum, of: amount, windows: [1d, 7d, 30d, lifetime], default: 0}}",
    "orders: {{aggregate: count_distinct, of: order_id, windows: [7d, 30d]}}",
    "large_orders: {{aggregate: count, where: is_large, window: 30d}}",
    "online_spend: {{aggregate: sum, of: net, where: channel = 'web' and quantity >= {i}, window: 90d}}",
    "mean_discount: {{aggregate: mean, of: discount, where: discount > 0, window: 30d}}",
    "largest: {{aggregate: max, of: amount * (1 - discount / {i}.5), window: 365d}}",
    "last_channel: {{aggregate: last, of: lower(channel)}}",
    "days_since_last: {{aggregate: time_since_last, unit: d}}",
    "trend_{k}: {{expression: spend_7d / nullif(spend_30d, 0)}}",
    "per_order_{k}: {{expression: 'case when orders_30d > {k} then spend_30d / orders_30d else 0 end'}}",
)


def write_project(root: Path, files: int, features_a_file: int) -> None:
    """Writes `files` definition files under `root / feature_defs`, with so many features in each."""
    folder = root / "feature_defs"
    folder.mkdir(parents=True)
    for i in range(1, files + 1):
        lines = []
        for k in range(features_a_file):
            line = _FEATURES[k % len(_FEATURES)].format(i=i, k=k)
            lines.append(f"  {line}" if k < len(_FEATURES) else f"  x{k}_{line}")
        (folder / f"region_{i:04}.yaml").write_text(_FILE.format(i=i, features="\n".join(lines)))
