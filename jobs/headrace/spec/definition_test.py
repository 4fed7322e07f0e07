"""`kind: test`: a unit test of a definition, run on the real engine."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.fields import ColumnName, Description, Literal_, Name, Spec, Text

Row = dict[ColumnName, Literal_]


class DefinitionTest(Spec):
    """Events that are given, rows that are asked for, values (or an error) that are expected."""

    kind: Literal["test"]
    name: Name
    description: Description = None
    feature_group: Annotated[Name, Field(description="The group under test.")]
    given: Annotated[dict[Name, tuple[Row, ...]], Field(description="Rows of sources and feature tables by name.")]
    at: Annotated[tuple[Row, ...], Field(min_length=1, description="Keys and `time`.")]
    expect: Annotated[
        tuple[Row, ...],
        Field(min_length=1, description="Values of features, one row for each row of `at`; this or `expect_error`."),
    ] = ()
    tolerance: Annotated[
        float | None,
        Field(ge=0, lt=1, description="How far floats may be off, as a share of the expected value: `0.01` is 1 %."),
    ] = None
    expect_error: Annotated[
        Text | None, Field(description="Text of the error that computing must fail with, or part of it.")
    ] = None
