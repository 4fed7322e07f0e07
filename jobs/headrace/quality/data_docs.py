"""HTML pages of what gates found, readable without a network, and an index that links them all, newest first.

Great Expectations' own pages load their styles from the internet; these bring theirs along.
"""

import datetime as dt
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import jinja2

from headrace.errors import InfrastructureError
from headrace.quality.outcome import GateResult, Outcome, shown

# The index stays quick to write and to read; older pages stay in their folders.
NEWEST = 1000
_TIME = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class Summary:
    """What the index says about one page; it is kept beside the page, so that the index can be made again."""

    suite: str
    page: str
    time: str
    passed: bool
    rows: int
    expectations: int
    blocking: int
    failed: int


def write_page(result: GateResult, documents: Path) -> Path:
    """Writes the page of one result and the index.

    Args:
        result: What a gate found.
        documents: Folder of all pages; each suite has one in it.

    Returns:
        The page's path, `<documents>/<suite>/<time>-<random>.html`.

    Raises:
        InfrastructureError: The folder cannot be written.
    """
    try:
        return _write_page(result, documents)
    except OSError as error:
        raise InfrastructureError(f"the report of gate '{result.suite}' cannot be written: {error}") from error


def _write_page(result: GateResult, documents: Path) -> Path:
    now = dt.datetime.now(dt.UTC)
    folder = documents / slug(result.suite)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{now:{_TIME}}.{now.microsecond:06}Z-{secrets.token_hex(3)}.html"
    summary = Summary(
        suite=result.suite,
        page=page.relative_to(documents).as_posix(),
        time=f"{now:%Y-%m-%d %H:%M:%S} UTC",
        passed=result.passed,
        rows=result.rows,
        expectations=len(result.outcomes),
        blocking=sum(outcome.blocks for outcome in result.outcomes),
        failed=len(result.failed),
    )
    held = [outcome for outcome in result.outcomes if outcome.success]
    _replace(
        page,
        _render(
            "page.html",
            result=result,
            summary=summary,
            held=dict(_by_column(held)),
            version=version("great_expectations"),
        ),
    )
    _replace(page.with_suffix(".json"), json.dumps(asdict(summary), indent=1))
    write_index(documents)
    return page


def write_index(documents: Path) -> Path:
    """Makes `index.html` from the summaries beside the pages."""
    index = documents / "index.html"
    written: list[Path] | None = None
    while written != (found := _summaries(documents)):
        newest = [summary for path in found[:NEWEST] if (summary := _read(path))]
        _replace(index, _render("index.html", summaries=newest, older=max(0, len(found) - NEWEST)))
        # Another run may have added a page meanwhile: whoever writes last has seen them all.
        written = found
    return index


def expire_pages(documents: Path, before: dt.datetime, dry_run: bool) -> int:
    """Deletes the pages from before an instant; what is left is in the index.

    Args:
        documents: Folder of all pages; it need not exist.
        before: The instant, UTC.
        dry_run: Only count them.

    Returns:
        How many there are, or were.

    Raises:
        InfrastructureError: The folder cannot be written.
    """
    old = [summary for summary in _summaries(documents) if summary.name < f"{before:{_TIME}}"]
    if old and not dry_run:
        try:
            for summary in old:
                summary.with_suffix(".html").unlink(missing_ok=True)
                # The index is made of these: a page goes before what tells of it.
                summary.unlink(missing_ok=True)
            write_index(documents)
        except OSError as error:
            raise InfrastructureError(f"old reports of gates cannot be deleted: {error}") from error
    return len(old)


def slug(name: str) -> str:
    """The name as a folder: `source raw.transactions` becomes `source-raw.transactions`."""
    return re.sub(r"[^\w.]+", "-", name.lower()).strip("-.") or "suite"


def _summaries(documents: Path) -> list[Path]:
    return sorted(documents.glob("*/*Z-*.json"), key=lambda path: path.name, reverse=True)


def _read(path: Path) -> Summary | None:
    """What is beside a page; None where the page expired meanwhile, or nobody can tell."""
    try:
        return Summary(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _by_column(outcomes: list[Outcome]) -> Iterator[tuple[str, list[Outcome]]]:
    """Outcomes of the table as a whole, then those of each column."""
    subjects: dict[str, list[Outcome]] = {"": []}
    for outcome in outcomes:
        columns = outcome.expectation.columns
        whole = outcome.expectation.type.startswith("expect_table") or not columns
        subjects.setdefault("" if whole else ", ".join(columns), []).append(outcome)
    return ((subject, found) for subject, found in subjects.items() if found)


def _replace(path: Path, text: str) -> None:
    """Writes a file at once: readers see the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _template(name: str) -> str:
    return resources.files("headrace.quality").joinpath("templates", name).read_text(encoding="utf-8")


def _render(name: str, **values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["example"] = shown
    return environment.get_template(name).render(**values)
