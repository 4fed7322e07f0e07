"""Definitions from YAML text to logical nodes, for tests that run the engine without files."""

from headrace import documents
from headrace.logical import FeatureSet
from headrace.logical.building import Building
from headrace.registry.columns import Columns
from headrace.registry.loading import collect
from headrace.registry.project import Project


def project_of(text: str) -> tuple[Project, Columns]:
    """A project out of YAML text; it must be valid."""
    found, problems = documents.load(text, "test.yaml")
    project, invalid = collect(found)
    assert not problems + invalid, [problem.text() for problem in problems + invalid]
    return project, Columns(project)


def features_of(text: str, group: str) -> FeatureSet:
    """The features of a group out of YAML text."""
    project, columns = project_of(text)
    return Building(project, columns).features(project.feature_groups[group].spec)
