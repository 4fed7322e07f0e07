"""Documents that are generated are what would be generated now; `make docs` writes them."""

from pathlib import Path

import pytest

from headrace.cli.app import run

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("file", "argv"),
    [
        ("headrace.schema.json", ["schema"]),
        ("yaml.md", ["schema", "--format", "markdown"]),
    ],
)
def test_docs_are_current(file: str, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 0
    assert (DOCS / file).read_text(encoding="utf-8") == capsys.readouterr().out, "run `make docs`"
