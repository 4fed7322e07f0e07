"""Where tables, lake and Spark are in one environment: `conf/<env>.yaml` under HEADRACE_ variables."""

from headrace.settings.loading import load
from headrace.settings.model import Settings, SparkSettings, TableLocation
from headrace.settings.paths import resolve_path
from headrace.settings.secrets import reveal

__all__ = ["Settings", "SparkSettings", "TableLocation", "load", "resolve_path", "reveal"]
