"""Lints a snippet beside a small valid project. `«…»` in the snippet marks what must be underlined."""

import re
from pathlib import Path

from headrace.errors import Problem
from headrace.registry.linting import lint

BASE = """\
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
columns: {product_id: bigint, department: string, price: double}
---
kind: source
name: orders
table: raw.orders
event_time: ordered_at
columns:
  customer_id: bigint
  order_id: bigint
  product_id: bigint
  amount: double
  quantity: int
  channel: string
  tags: map<string,string>
  ordered_at: timestamp
derive: {is_large: amount > 100}
enrich:
  - {from: products, on: {product_id: product_id}, columns: [department]}
tie_breaker: order_id
---
kind: source
name: delayed
table: raw.delayed
event_time: ordered_at
delay: 2h
columns: {customer_id: bigint, amount: double, ordered_at: timestamp}
---
kind: source
name: baskets
from: orders
group_by: [customer_id, order_id]
columns: {total: sum(amount), lines: count(*)}
span: 1h
---
kind: feature_group
name: base
version: 1
entity: customer
source: orders
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, windows: [7d, 30d]}
  n: {aggregate: count}
---
kind: feature_group
name: base_baskets
version: 1
entity: customer
source: baskets
every: 1d
start: 2024-01-01
features:
  biggest: {aggregate: max, of: total}
"""

GROUP = """\
kind: feature_group
name: g
version: 1
entity: customer
source: orders
every: 1d
start: 2024-01-01
features:
"""

SOURCE = """\
kind: source
name: s
table: raw.s
event_time: at
columns: {customer_id: bigint, product_id: bigint, amount: double, tags: 'map<string,string>', at: timestamp}
"""

_MARK = re.compile("«([^»]*)»")

Place = tuple[int, int, int]


def group(*features: str) -> str:
    """A group over `orders` with these lines under `features:`."""
    return GROUP + "".join(f"  {line}\n" for line in features)


def source(*lines: str) -> str:
    """A source with these lines after its columns."""
    return SOURCE + "".join(f"{line}\n" for line in lines)


def found(folder: Path, snippet: str, *, unused: bool = False) -> list[Problem]:
    """Problems of the snippet; those about unused definitions only when asked for."""
    definitions = folder / "feature_defs"
    definitions.mkdir()
    (definitions / "base.yaml").write_text(BASE)
    (definitions / "case.yaml").write_text(_MARK.sub(r"\1", snippet))
    problems = [problem for problem in lint(folder).problems if unused or problem.code != "unused"]
    assert [p.text() for p in problems if p.file == "feature_defs/base.yaml" and p.code != "unused"] == []
    return [problem for problem in problems if problem.file == "feature_defs/case.yaml"]


def marked(snippet: str) -> list[Place]:
    """Line, column and length of every mark."""
    places = []
    for number, line in enumerate(snippet.split("\n"), start=1):
        for index, match in enumerate(_MARK.finditer(line)):
            places.append((number, match.start() + 1 - 2 * index, len(match[1])))
    return places


def check(folder: Path, snippet: str, *expected: tuple[str, str], unused: bool = False) -> None:
    """The snippet has exactly one problem at each mark, with that code and that fragment in its line."""
    problems = found(folder, snippet, unused=unused)
    shown = "\n".join(problem.text() for problem in problems)
    places = [(p.line, p.column, p.length) for p in problems]
    assert (places, [p.code for p in problems]) == (marked(snippet), [code for code, _ in expected]), shown
    for problem, (_, fragment) in zip(problems, expected, strict=True):
        assert fragment in problem.text()
