"""`kind: source`: a table of timestamped events, or a roll-up of another source."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.expectation import ExpectationField
from headrace.spec.fields import (
    ColumnName,
    Description,
    Length,
    Name,
    Names,
    Owner,
    Spec,
    Sql,
    TimeZone,
    Type,
)
from headrace.timeline import Duration


class Partition(Spec):
    """How the table's files are laid out, so that a run reads only those it needs."""

    column: Annotated[ColumnName, Field(description="The column that files are laid out by.")]
    format: Annotated[
        Literal["yyyy-MM-dd", "yyyyMMdd", "yyyy-MM", "yyyyMM", "yyyy"],
        Field(description="How it writes the time."),
    ] = "yyyy-MM-dd"
    by: Annotated[ColumnName, Field(description="The time it is made of: event_time.")]
    slack: Annotated[
        Length,
        Field(
            description="How far the two may lie apart. Rows further apart count in Delta tables, never in files.",
        ),
    ] = Duration.parse("1d")


class Dedupe(Spec):
    """At-least-once feeds: later copies of a row are dropped."""

    keys: Annotated[Names, Field(description="Columns that tell events apart.")]
    within: Annotated[Length, Field(description="How much later a copy may become visible.")]


class Enrichment(Spec):
    """Columns of a feature table, joined by key."""

    from_: Annotated[Name, Field(alias="from", description="The feature table.")]
    on: Annotated[
        dict[ColumnName, ColumnName],
        Field(min_length=1, description="The feature table's key: the source's column."),
    ]
    columns: Annotated[Names, Field(description="Columns to take.")]


class _Events(Spec):
    kind: Literal["source"]
    name: Name
    description: Description = None
    owner: Owner = None
    derive: Annotated[dict[ColumnName, Sql], Field(description="Columns made of those of the same row, in order.")] = (
        Field(default_factory=dict)
    )
    where: Annotated[Sql | None, Field(description="Which rows are events.")] = None
    tie_breaker: Annotated[Names, Field(description="Columns that order events of the same instant.")] = ()
    expectations: Annotated[
        tuple[ExpectationField, ...], Field(description="What must hold of the rows before they are used.")
    ] = ()
    lateness: Annotated[
        Length | None, Field(description="How late events may arrive; labels are mature so much later.")
    ] = None
    freshness: Annotated[
        Length | None, Field(description="How old the newest event may be at the end of an interval.")
    ] = None


class TableSource(_Events):
    """Events as they lie in a table."""

    table: Annotated[str, Field(min_length=1, description="Logical name; conf/<env>.yaml says where it is.")]
    event_time: Annotated[ColumnName, Field(description="The column that says when an event happened.")]
    timezone: Annotated[TimeZone | None, Field(description="Zone of times that have none of their own.")] = None
    available_at: Annotated[
        ColumnName | None, Field(description="The column that says when a row reached us; no `date`.")
    ] = None
    delay: Annotated[Length | None, Field(description="How long after its time an event is visible.")] = None
    columns: Annotated[dict[ColumnName, Type], Field(min_length=1, description="Columns to read and their types.")]
    partition: Annotated[Partition | None, Field(description="How the table's files are laid out.")] = None
    dedupe: Annotated[Dedupe | None, Field(description="How copies of an event are told.")] = None
    enrich: Annotated[tuple[Enrichment, ...], Field(description="Columns taken from feature tables.")] = ()


class RollUp(_Events):
    """Events made of several rows of another source."""

    from_: Annotated[Name, Field(alias="from", description="The source whose rows are rolled up.")]
    group_by: Annotated[Names, Field(description="Columns that rows of one event share.")]
    columns: Annotated[
        dict[ColumnName, Sql],
        Field(min_length=1, description="Aggregates over those rows, such as sum(amount)."),
    ]
    span: Annotated[
        Length,
        Field(
            description="How far rows of one event may lie apart. Keys that are used again later need another column in"
            " `group_by` that tells them apart: only rows that are read together are found to be too far apart."
        ),
    ]


Source = TableSource | RollUp
