"""Names of Delta tables: a path, or a table of a catalog."""

from dataclasses import dataclass
from typing import Self

from headrace.expressions import quote_identifier


@dataclass(frozen=True, slots=True)
class Address:
    """Where a table is.

    Attributes:
        text: A path or URI, or the full name of a catalog table; for messages too.
        is_path: Which of both.
    """

    text: str
    is_path: bool

    @classmethod
    def path(cls, text: str) -> Self:
        """A table at a path or URI."""
        return cls(text, is_path=True)

    @classmethod
    def catalog(cls, name: str) -> Self:
        """A catalog table by its full name, parted by dots; a name with backticks is taken as it is."""
        return cls(name, is_path=False)

    @property
    def sql(self) -> str:
        """How SQL calls the table."""
        if self.is_path:
            return f"delta.{quote_identifier(self.text)}"
        return self.text if "`" in self.text else ".".join(map(quote_identifier, self.text.split(".")))

    @property
    def key(self) -> tuple[bool, str]:
        """The same for all ways to write it: names of a catalog have no case, and may be quoted."""
        return self.is_path, self.text if self.is_path else self.text.replace("`", "").casefold()

    def __str__(self) -> str:
        return self.text


def literal(text: str) -> str:
    """SQL of a string."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
