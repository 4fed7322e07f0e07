"""What every command is given: where the project is, and what is read from it when a command asks."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.engine.session_conf import Profile
    from headrace.registry.linting import Linted
    from headrace.runner.workspace import Workspace
    from headrace.settings import Settings


@dataclass(frozen=True)
class Invocation:
    """The global options of one command line.

    Attributes:
        project: Folder that holds `feature_defs/` and `conf/`.
        conf: Settings file, relative to `project`.
        verbose: Whether Spark and its tools may speak.
        debug: Whether errors show their stack trace.
    """

    project: Path
    conf: str
    verbose: bool = False
    debug: bool = False

    def linted(self) -> "Linted":
        """The project's definitions with everything that is wrong with them.

        Raises:
            UsageError: The project folder does not exist.
        """
        self._require_folder()
        with _without_collecting():
            from headrace.registry.linting import lint

            return lint(self.project)

    def workspace(self, profile: "Profile" = "small") -> "Workspace":
        """The project opened for work.

        Args:
            profile: What a Spark that is started here is good at.

        Raises:
            DefinitionError: Definitions or settings have errors.
        """
        from headrace.runner.workspace import Workspace

        return Workspace(self.project, self.settings(), self.linted(), self.verbose, profile)

    def settings(self) -> "Settings":
        """The settings of the environment.

        Raises:
            DefinitionError: The settings file is missing or wrong.
            UsageError: The project folder does not exist.
        """
        from headrace.settings import load

        self._require_folder()
        return load(self.project, self.conf)

    def _require_folder(self) -> None:
        if not self.project.is_dir():
            raise UsageError(f"there is no folder {self.project}", "name the project with --project")


def instant(option: str, text: str) -> int:
    """The instant that an option's text names.

    Raises:
        UsageError: The text is no time.
    """
    from headrace.timeline import parse_instant

    try:
        return parse_instant(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}", str(error)) from error


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Switches the garbage collector off: in linting a large project it takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
