"""SQL of the bounds of a column in a file of a Delta table, out of the entry that its log has of it."""


def bound(column: str, kind: str, end: str) -> str:
    """What the log says: statistics, or of a partition column, which has none, its value.

    Args:
        column: Name of the column.
        kind: Its type; what is none of it gives null.
        end: `min` or `max`.

    Returns:
        SQL over `stats` and `partition`, maps from names of columns to text.
    """
    name = quoted(column)
    return f"try_cast(coalesce(stats.{end}Values['{name}'], partition['{name}']) AS {kind})"


def quoted(name: str) -> str:
    """A name inside of a string literal."""
    return name.replace("\\", "\\\\").replace("'", "\\'")
