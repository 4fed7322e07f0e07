"""Which features the tests of a project mention under `expect`, and which none does."""

from collections.abc import Iterable
from dataclasses import dataclass

from headrace.registry.columns import Columns
from headrace.registry.project import Project


@dataclass(frozen=True, slots=True)
class GroupCoverage:
    """What the tests of one feature group look at.

    Attributes:
        group: Its name.
        tests: How many tests it has.
        features: How many feature columns it has.
        missing: Those that no test expects a value of, in declared order.
    """

    group: str
    tests: int
    features: int
    missing: tuple[str, ...]


def test_coverage(project: Project, columns: Columns, names: Iterable[str] = ()) -> list[GroupCoverage]:
    """Coverage of every group by the named tests, or by all."""
    wanted = set(names)
    tests = [test.spec for test in project.tests.values() if not wanted or test.spec.name in wanted]
    found = []
    for name, group in project.feature_groups.items():
        own = [test for test in tests if test.feature_group == name]
        mentioned = {column for test in own for row in test.expect for column in row}
        features = columns.of_group(group.spec)
        missing = tuple(column for column in features if column not in mentioned)
        found.append(GroupCoverage(name, len(own), len(features), missing))
    return found
