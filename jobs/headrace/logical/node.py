"""What every logical node is made of: an expression that was checked, and a column with its type."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sql:
    """A checked expression.

    Attributes:
        text: The author's own text, which Spark gets. Not part of any fingerprint.
        canonical: The same without formatting; what fingerprints see.
        columns: Names of the columns it uses.
    """

    text: str = field(metadata={"fingerprint": False})
    canonical: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A named column and its Spark SQL type."""

    name: str
    type: str
