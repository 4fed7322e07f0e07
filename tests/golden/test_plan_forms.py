"""A plan in its other forms: Markdown for a pull request, JSON for programs."""

import json

from headrace.changes.planning import plan
from headrace.cli.plan_markdown import as_markdown
from tests.golden.situation import HERE, Situation

MARKDOWN = """\
### Plan of 2024-01-06T06:00:00Z: 1 interval in 1 step, 1 problem

**Problems**

- ❌ spend@1: visits changed (window: 7d -\\> 8d) without a new version; raise its version to 2, or undo the change

**Definitions**

- **spend@1**
  - changed `visits`: `window: 7d -> 8d`

| step | what | intervals | why | reads |
|---|---|---|---|---|
| 1 | materialize `visits@1` | 2024-01-05 | never computed | about 500 rows (25.0 kB) |"""


def test_markdown_and_json() -> None:
    case = Situation.read(HERE / "plans" / "40_two_groups.txt")
    made = plan(case.after, case.ledger, case.sources, case.now_us)
    assert as_markdown(made) == MARKDOWN
    as_json = json.loads(made.text())
    assert as_json["steps"] == [
        {
            "action": "materialize",
            "group": "visits",
            "version": 1,
            "from": "2024-01-05",
            "to": "2024-01-06",
            "intervals": 1,
            "reason": "missing",
            "why": "never computed",
            "columns": [],
            "rows": 500,
            "bytes": 25_000,
            "versions": {},
        }
    ]
    assert as_json["changes"][0]["features"] == [
        {
            "feature": "visits",
            "kind": "changed",
            "parts": [{"part": "window", "old": "7d", "new": "8d"}],
            "words": None,
        }
    ]
