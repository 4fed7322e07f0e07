"""`headrace import`: a typed source definition to start from."""

import json
from typing import Annotated, Literal

import typer

from headrace.cli.invocation import Invocation


def import_(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="Logical table of the configuration, or a path under its roots.")],
    name: Annotated[str | None, typer.Option(help="Name of the source; else made of the table's.")] = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="YAML to edit, or the same as JSON.")] = "text",
) -> int:
    """Print a source definition with the columns and types of a table, ready to be edited.

    \b
    Example:
      headrace import raw.transactions > feature_defs/transactions.yaml
    """
    from headrace import documents
    from headrace.engine.session import open_session
    from headrace.runner.importing import source_yaml
    from headrace.storage import Lake

    invocation: Invocation = context.obj
    settings = invocation.settings()
    lake = Lake(open_session(settings, verbose=invocation.verbose), settings)
    text = source_yaml(lake, table, name)
    if format == "json":
        (document,), _ = documents.load(text, table)
        print(json.dumps(documents.native(document.value), indent=2, ensure_ascii=False))
    else:
        print(text, end="")
    return 0
