"""`headrace schema`: the JSON Schema of the YAML, for editors."""

import json
from typing import Annotated, Literal

import typer


def schema(
    format: Annotated[Literal["json"], typer.Option(help="The schema is JSON.")] = "json",
) -> int:
    """Print the JSON Schema that makes editors complete and check the YAML.

    \b
    Example:
      headrace schema > headrace.schema.json
      # and as the first line of a YAML file:
      # yaml-language-server: $schema=../headrace.schema.json
    """
    from headrace.registry.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
