"""A plan in its other forms: Markdown for a pull request, JSON for programs."""

import json

from headrace.changes.group_change import FeatureChange, GroupChange
from headrace.changes.parts import PartChange
from headrace.changes.plan import Basis, Plan
from headrace.changes.planning import plan
from headrace.changes.step import Step
from headrace.cli.plan_markdown import as_markdown
from headrace.timeline import Interval
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


CODE = """\
- **spend@1**
  - changed `joined`: `of: a -> a || b`, `` where: none -> `odd name` > 0 ``, ``` note: a -> ``b`` ```
  - changed `long`: `expression: a -> case when a then 1 else 2 end`
  - gate of `sales: + expect_column_values_to_match_regex(column=a, regex='x|y') (critical)`

| step | what | intervals | why | reads |
|---|---|---|---|---|
| 1 | fill `odd\\|name` of `spend@1` | 1970-01-01 | a \\| b failed: first second |  |"""


def test_markdown_shows_code_as_it_is() -> None:
    """A backslash before a bar is shown in code; only within a table GitHub takes it away."""
    parts = (
        PartChange("of", "a", "a || b"),
        PartChange("where", None, "`odd name` > 0"),
        PartChange("note", "a", "``b``"),
    )
    features = (
        FeatureChange("joined", "changed", parts),
        FeatureChange("long", "changed", (PartChange("expression", "a", "case when a\n  then 1\n\n  else 2 end"),)),
    )
    gate = "sales: + expect_column_values_to_match_regex(column=a, regex='x|y') (critical)"
    change = GroupChange("spend", "changed", 1, 1, features, gates=(gate,))
    step = Step(
        "fill", "spend", 1, (Interval(0, 86_400_000_000),), "added", "a | b failed: first\nsecond", ("odd|name",)
    )
    markdown = as_markdown(Plan(0, Basis("", ""), changes=(change,), steps=(step,)))
    assert markdown.partition("**Definitions**\n\n")[2] == CODE
