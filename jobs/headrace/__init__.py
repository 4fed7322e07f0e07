"""Headrace turns YAML feature definitions into PySpark jobs over Delta tables."""

from typing import TYPE_CHECKING

from headrace.version import __version__ as __version__

if TYPE_CHECKING:
    from headrace.runner.store import FeatureStore


def open(conf: str = "conf/local.yaml", project: str = ".") -> "FeatureStore":
    """Opens a project from Python.

    Args:
        conf: Settings of one environment, relative to the project.
        project: Folder that holds `feature_defs/` and `conf/`.

    Raises:
        DefinitionError: The definitions or the settings have errors.
        UsageError: There is no such folder.

    Example:
        >>> store = headrace.open("conf/local.yaml")
        >>> store.training_set(spine=rows, features=["household_spend.*"]).show()
    """
    from headrace.runner.store import open_store

    return open_store(conf, project)
