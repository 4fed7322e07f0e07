"""`kind: source`: a table of timestamped events, or a roll-up of another source."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.expectation import ExpectationField
from headrace.spec.fields import ColumnName, Length, Name, Names, Spec, Sql, Text, TimeZone, Type
from headrace.timeline import Duration


class Partition(Spec):
    """How the table's files are laid out, so that a run reads only those it needs."""

    column: ColumnName
    format: Literal["yyyy-MM-dd", "yyyyMMdd", "yyyy-MM", "yyyyMM", "yyyy"] = "yyyy-MM-dd"
    by: ColumnName
    slack: Length = Duration.parse("1d")


class Dedupe(Spec):
    """At-least-once feeds: later copies of a row are dropped."""

    keys: Names
    within: Length


class Enrichment(Spec):
    """Columns of a feature table, joined by key."""

    from_: Annotated[Name, Field(alias="from")]
    on: Annotated[dict[ColumnName, ColumnName], Field(min_length=1, description="The feature table's key: the source's column.")]
    columns: Names


class _Events(Spec):
    kind: Literal["source"]
    name: Name
    description: Text | None = None
    owner: Text | None = None
    derive: dict[ColumnName, Sql] = {}
    where: Sql | None = None
    tie_breaker: Names = ()
    expectations: tuple[ExpectationField, ...] = ()
    lateness: Length | None = None
    freshness: Length | None = None


class TableSource(_Events):
    """Events as they lie in a table."""

    table: Annotated[str, Field(min_length=1, description="Logical name; conf/<env>.yaml says where it is.")]
    event_time: ColumnName
    timezone: TimeZone | None = None
    available_at: ColumnName | None = None
    delay: Length | None = None
    columns: Annotated[dict[ColumnName, Type], Field(min_length=1)]
    partition: Partition | None = None
    dedupe: Dedupe | None = None
    enrich: tuple[Enrichment, ...] = ()


class RollUp(_Events):
    """Events made of several rows of another source."""

    from_: Annotated[Name, Field(alias="from")]
    group_by: Names
    columns: Annotated[dict[ColumnName, Sql], Field(min_length=1, description="Aggregates, such as sum(amount).")]
    span: Length


Source = TableSource | RollUp
