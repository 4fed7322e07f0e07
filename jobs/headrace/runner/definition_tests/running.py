"""Runs `kind: test` definitions on the real engine: those of a group together, those that must fail one by one."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headrace.errors import ConflictError, HeadraceError, InfrastructureError
from headrace.registry.project import Located
from headrace.runner.definition_tests.agreeing import DisagreementError
from headrace.runner.definition_tests.comparing import Mismatch, mismatches
from headrace.runner.definition_tests.computing import Values, column_types, compute, doing
from headrace.runner.workspace import Workspace
from headrace.spec import DefinitionTest, FeatureGroup

Test = Located[DefinitionTest]
Outcome = list[Values] | HeadraceError


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went.

    Attributes:
        test: Its name.
        group: The group under test.
        file: Where it stands.
        line: Its first line.
        mismatches: What differs.
        error: Why there was nothing to compare, or why an expected error was not there; None when neither.
        is_broken: Whether Spark or its surroundings failed, so that nothing is known about the definition.
        is_bug: Whether Headrace did, so that nothing is known either.
        seconds: Its share of the time that its computation took.
    """

    test: str
    group: str
    file: str
    line: int
    mismatches: tuple[Mismatch, ...] = ()
    error: str | None = None
    is_broken: bool = False
    is_bug: bool = False
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether all is as the test expects."""
        return not self.mismatches and self.error is None

    @property
    def is_unknown(self) -> bool:
        """Whether the test says nothing about the definition."""
        return self.is_broken or self.is_bug


def run_tests(work: Workspace, names: Iterable[str] = ()) -> list[TestResult]:
    """Runs the named tests, or all, in the order of their groups.

    A test that cannot be computed is a failed test; the others of its group are computed without it.

    Raises:
        HeadraceError: There is no Spark to run them.
    """
    wanted = set(names)
    chosen = [test for test in work.linted.project.tests.values() if not wanted or test.spec.name in wanted]
    groups: dict[str, list[Test]] = {}
    for test in chosen:
        groups.setdefault(test.spec.feature_group, []).append(test)
    if groups:
        _ = work.spark  # what is wrong with the session is no test's fault
    return [result for name, tests in groups.items() for result in _run_group(work, work.group(name), tests)]


def _run_group(work: Workspace, group: FeatureGroup, tests: list[Test]) -> Iterator[TestResult]:
    """Results in the order of the tests."""
    together = [test for test in tests if test.spec.expect_error is None]
    alone = [test for test in tests if test.spec.expect_error is not None]
    outcomes: dict[str, tuple[Outcome, float]] = {}
    for batch in filter(None, (together, *([test] for test in alone))):
        started = time.perf_counter()
        found = _outcomes(work, group, [test.spec for test in batch])
        share = (time.perf_counter() - started) / len(batch)
        outcomes |= {test.spec.name: (outcome, share) for test, outcome in zip(batch, found, strict=True)}
    for test in tests:
        yield _judged(work, group, test, *outcomes[test.spec.name])


def _outcomes(work: Workspace, group: FeatureGroup, tests: Sequence[DefinitionTest]) -> list[Outcome]:
    """Values or the error of each test; after an error, halves are tried until it is known whose it is."""
    try:
        return list(compute(work, group, tests))
    except (InfrastructureError, ConflictError) as error:
        return [error] * len(tests)
    except HeadraceError as error:
        if len(tests) == 1:
            return [error]
        half = len(tests) // 2
        found = _outcomes(work, group, tests[:half]) + _outcomes(work, group, tests[half:])
        is_of_all = isinstance(error, DisagreementError) and not any(isinstance(one, HeadraceError) for one in found)
        # Values that depend on what else is in the batch are a bug of each.
        return [error] * len(tests) if is_of_all else found


def _judged(work: Workspace, group: FeatureGroup, test: Test, outcome: Outcome, seconds: float) -> TestResult:
    differing: tuple[Mismatch, ...] = ()
    error, is_broken = None, isinstance(outcome, InfrastructureError | ConflictError)
    is_bug = isinstance(outcome, DisagreementError)
    wanted = test.spec.expect_error
    if isinstance(outcome, HeadraceError):
        text = str(outcome).removeprefix(f"{doing(group)}: ")
        if wanted is None or is_broken or is_bug:
            error = text
        elif wanted not in text:
            error = f"expected an error that contains '{wanted}', got: {text}"
    elif wanted is not None:
        error = f"expected an error that contains '{wanted}', but all values could be computed"
    else:
        differing = mismatches(test.spec, outcome, column_types(work, group))
    line = test.document.position(("name",)).line
    return TestResult(
        test.spec.name, group.name, test.document.file, line, differing, error, is_broken, is_bug, round(seconds, 3)
    )
