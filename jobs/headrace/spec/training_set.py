"""`kind: training_set`: rows to learn from, with the features known at their instants and what came after."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from headrace.spec.aggregation import Aggregation
from headrace.spec.expectation import ExpectationField
from headrace.spec.fields import (
    ColumnName,
    Description,
    InstantUs,
    Length,
    Name,
    Names,
    Owner,
    Spec,
    Sql,
    TimeZone,
    Type,
)
from headrace.timeline import Duration, Window

EVERYTHING = "*"
_GROUP = r"[A-Za-z][A-Za-z0-9_]{0,127}(@[1-9][0-9]{0,9})?"
_REFERENCE = re.compile(rf"(?P<table>{_GROUP})\.(?P<column>\*|[^\s*.]+)", re.ASCII)
Keys = Annotated[
    dict[ColumnName, ColumnName],
    Field(description="Where a key has another name: the entity's key, the spine's column."),
]


class Spine(Spec):
    """Rows of a table, or every entity that was active at each of a series of instants."""

    table: Annotated[str | None, Field(min_length=1, description="Logical name of a table with a row each.")] = None
    time: Annotated[ColumnName | None, Field(description="Its column of instants; of a generated spine `time`.")] = None
    timezone: Annotated[TimeZone | None, Field(description="Zone of instants that have none of their own.")] = None
    columns: Annotated[
        dict[ColumnName, Type] | None,
        Field(min_length=1, description="Columns to take along, and their types; all as they are when not given."),
    ] = None
    keys: Keys = Field(default_factory=dict)
    entity: Annotated[Name | None, Field(description="What the rows are about.")] = None
    source: Annotated[Name | None, Field(description="Whose events say which entities there are.")] = None
    every: Annotated[Length | None, Field(description="Step between instants.")] = None
    from_: Annotated[InstantUs | None, Field(alias="from", description="The first instant.")] = None
    to: Annotated[InstantUs | None, Field(description="Instants lie before it.")] = None
    active: Annotated[
        Length | None, Field(description="An entity has a row while its newest event is no older; ever when not given.")
    ] = None

    @property
    def time_column(self) -> str:
        """The column of instants."""
        return self.time or "time"


def _reference(value: object) -> object:
    if isinstance(value, FeatureReference | Mapping):
        return value
    found = _REFERENCE.fullmatch(str(value))
    if found is None:
        raise ValueError(f"'{value}' names no features; write group.feature, group.* or group@2.feature")
    return {"from": found["table"], "columns": [found["column"]]}


class FeatureReference(Spec):
    """Columns of a feature group or a feature table; as text `group.feature`, `group@2.*`."""

    from_: Annotated[
        str, StringConstraints(pattern=rf"^{_GROUP}$"), Field(alias="from", description="The group or feature table.")
    ]
    columns: Annotated[Names, Field(min_length=1, description="Its columns; all when not given.")] = (EVERYTHING,)
    keys: Keys = Field(default_factory=dict)
    prefix: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")] | None,
        Field(description="What their names begin with in the training set."),
    ] = None

    @property
    def name(self) -> str:
        """The group or feature table."""
        return self.from_.partition("@")[0]

    @property
    def version(self) -> int | None:
        """The version of the group, where one is named."""
        _, at, version = self.from_.partition("@")
        return int(version) if at else None


class Label(Aggregation):
    """What happened after the instant: an aggregate over events in `[t + gap, t + gap + horizon)`."""

    source: Annotated[Name, Field(description="Where the events come from.")]
    entity: Annotated[Name | None, Field(description="Whose events; the spine's entity when not given.")] = None
    keys: Keys = Field(default_factory=dict)
    gap: Annotated[Length, Field(description="How long after the instant the horizon begins.")] = Duration.parse("0s")
    horizon: Annotated[Length, Field(description="How long to look ahead from there.")]
    expression: Annotated[Sql | None, Field(description="What is made of the value, by the label's name.")] = None
    immature: Annotated[
        Literal["keep", "drop"], Field(description="What becomes of rows whose horizon the data does not reach.")
    ] = "keep"

    @property
    def end_us(self) -> int:
        """How long after the instant the horizon ends."""
        return self.gap.us + self.horizon.us

    def columns(self, name: str) -> dict[str, Window]:
        """The label's column and its horizon."""
        return {name: Window(self.horizon, str(self.horizon))}


class Split(Spec):
    """A column `split`: `train`, `test`, and null for rows whose horizon would reach over the boundary."""

    train_until: Annotated[InstantUs, Field(description="Horizons of training rows end by then.")]
    embargo: Annotated[Length, Field(description="How long after it test rows begin.")] = Duration.parse("0s")


_TEXT = {"type": "string", "pattern": rf"^{_GROUP}\.(\*|[^\s*.]+)$", "examples": ["household_spend.*"]}


class _OrText:
    """The schema of a field that may also be text."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [_TEXT, handler(core)]}


ReferenceField = Annotated[FeatureReference, BeforeValidator(_reference), _OrText()]


class TrainingSet(Spec):
    """A spine with features and labels."""

    kind: Literal["training_set"]
    name: Name
    description: Description = None
    owner: Owner = None
    spine: Annotated[Spine, Field(description="Which rows: entities and instants.")]
    features: Annotated[
        tuple[ReferenceField, ...], Field(min_length=1, description="Features, as `group.feature` or `group.*`.")
    ]
    labels: Annotated[dict[Name, Label], Field(description="What to predict, by name.")] = Field(default_factory=dict)
    expressions: Annotated[
        dict[ColumnName, Sql], Field(description="Columns made of features and the spine's columns, in order.")
    ] = Field(default_factory=dict)
    read: Annotated[
        Literal["exact", "as_served"],
        Field(description="From events at each row's own instant, or what the newest snapshot then said."),
    ] = "exact"
    split: Annotated[Split | None, Field(description="Which rows to train on and which to test on.")] = None
    output: Annotated[Literal["delta", "parquet"], Field(description="How it is written.")] = "delta"
    expectations: Annotated[
        tuple[ExpectationField, ...], Field(description="What must hold of the rows before they are written.")
    ] = ()
