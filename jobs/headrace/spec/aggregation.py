"""What features and labels share: an aggregate, its input and its parameters."""

from typing import Annotated, Literal

from pydantic import Field

from headrace.spec.fields import Description, Literal_, Spec, Sql


class Aggregation(Spec):
    """One value made of several events."""

    description: Description = None
    aggregate: Annotated[str | None, Field(description="What is made of the events in the window.")] = None
    of: Annotated[Sql | None, Field(description="Column or expression to aggregate.")] = None
    where: Annotated[Sql | None, Field(description="Which events count; null counts as false.")] = None
    unit: Annotated[
        Literal["s", "m", "h", "d", "w"] | None, Field(description="Unit of a time since; else seconds.")
    ] = None
    k: Annotated[int | None, Field(ge=1, le=10_000, description="How many, for aggregates that give a list.")] = None
    p: Annotated[float | None, Field(ge=0, le=1, description="Which percentile, 0 to 1; 0.5 is the median.")] = None
    default: Annotated[Literal_, Field(description="What replaces null.")] = None
