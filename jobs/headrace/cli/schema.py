"""`headrace schema`: what the YAML may say, as JSON Schema for editors and as Markdown for people."""

import json
from typing import Annotated, Literal

import typer


def schema(
    format: Annotated[
        Literal["json", "markdown"], typer.Option(help="JSON Schema, or the reference in Markdown.")
    ] = "json",
) -> int:
    """Print the JSON Schema that makes editors complete and check the YAML, or the YAML reference.

    \b
    Example:
      headrace schema > headrace.schema.json
      # and as the first line of a YAML file:
      # yaml-language-server: $schema=../headrace.schema.json
      headrace schema --format markdown
    """
    if format == "markdown":
        from headrace.registry.yaml_reference import reference

        print(reference(), end="")
        return 0
    from headrace.registry.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
