"""Lint: everything that is wrong with a project's definitions, in the order of their files."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.errors import Problem
from headrace.registry.columns import Columns
from headrace.registry.loading import load_project
from headrace.registry.project import Project
from headrace.registry.rules import OF_TRAINING_SETS, RULES


@dataclass(frozen=True)
class Linted:
    """A project, its column types, and what is wrong with it.

    Attributes:
        project: Definitions that are valid by themselves.
        columns: Their column types.
        problems: Errors and warnings, by file, line and column.
    """

    project: Project
    columns: Columns
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a run."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def lint(root: Path) -> Linted:
    """Reads and checks every definition under `root / feature_defs`.

    Args:
        root: Folder of the project.
    """
    project, problems = load_project(root)
    return lint_project(project, problems)


def lint_project(project: Project, problems: Iterable[Problem] = ()) -> Linted:
    """Checks definitions that are read already.

    Args:
        project: The definitions.
        problems: What was wrong with the ones that are not among them.
    """
    columns = Columns(project)
    found = [*problems, *(problem for rule in RULES for problem in rule(project, columns))]
    # The same mistake seen by two rules, or twice through an alias, is one problem.
    return Linted(project, columns, tuple(sorted(dict.fromkeys(found), key=_place)))


def lint_training_set(project: Project, columns: Columns, name: str) -> tuple[Problem, ...]:
    """What is wrong with one training set, for instance when other versions of groups have become known.

    Args:
        project: The definitions.
        columns: Their column types.
        name: The training set.
    """
    alone = replace(project, training_sets={name: project.training_sets[name]})
    found = [problem for rule in OF_TRAINING_SETS for problem in rule(alone, columns)]
    return tuple(sorted(dict.fromkeys(found), key=_place))


def _place(problem: Problem) -> tuple[str, int, int, str, str]:
    return problem.file or "", problem.line or 0, problem.column or 0, problem.code, problem.message
