"""Where each kind of table lies in the lake: the one place that knows directory and table names."""

from pathlib import Path

from headrace.settings import Settings, resolve_path
from headrace.storage.address import Address


class Layout:
    """Addresses of the tables that Headrace writes.

    Args:
        settings: Names the lake: a directory or URI, or a schema of a catalog.
    """

    def __init__(self, settings: Settings) -> None:
        self._catalog, self._schema = settings.catalog, settings.schema_
        self.root: str | None = resolve_path(settings, settings.lake) if settings.lake else None

    def features(self, group: str, version: int) -> Address:
        """The features of a group."""
        return self._at("features", f"{group}_v{version}")

    def tiles(self, group: str, version: int) -> Address:
        """The partial states of a group."""
        return self._at("tiles", f"{group}_v{version}")

    def quarantine(self, source: str) -> Address:
        """The rows of a source that were held back."""
        return self._at("quarantine", source)

    def training_set(self, name: str) -> Address:
        """The rows of a training set."""
        return self._at("training_sets", name)

    @property
    def ledger(self) -> Address:
        """The record of what was computed."""
        return self._at("_headrace", "ledger")

    def staging(self, run_id: str) -> Address:
        """A run's result before it is let into its table; `*` for those of all runs."""
        return self._at("_headrace", "staging", run_id)

    def local_directory(self, relative: str) -> Path | None:
        """A directory of the lake, or None where the lake is no directory of this machine."""
        return Path(self.root) / relative if self.root is not None and self.root.startswith("/") else None

    def _at(self, *parts: str) -> Address:
        if self.root is not None:
            return Address.path("/".join((self.root.rstrip("/"), *parts)))
        name = "_".join(parts).replace("-", "_")
        return Address.catalog(f"{self._catalog}.{self._schema}.{name}")
