"""The HTML pages of gates: what they say, that they need no network, and that the index finds them all."""

import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest

from headrace.errors import InfrastructureError
from headrace.expectations import Expectation
from headrace.quality import GateResult, Outcome, data_docs
from headrace.quality.data_docs import expire_pages, slug, write_index, write_page

BETWEEN = Expectation("expect_column_values_to_be_between", {"column": "price", "min_value": 0})
NOT_NULL = Expectation("expect_column_values_to_not_be_null", {"column": "id"}, implied=True)
BAD = Outcome(
    BETWEEN,
    False,
    3,
    120,
    (-1.5, "<script>alert(1)</script>"),
    sentence="`price` values must be greater than or equal to 0.",
)
GOOD = Outcome(NOT_NULL, True, 0, 120, sentence="`id` values must never be null.")
BROKEN = Outcome(BETWEEN, False, error="no such column", sentence="`price` values must be greater than or equal to 0.")


class Text(HTMLParser):
    """The words of a page, without its head; complains about tags that are not closed."""

    VOID = ("meta", "br", "input", "link", "hr", "img")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def result(suite: str, *outcomes: Outcome, rows: int = 120) -> GateResult:
    return GateResult(suite, rows, outcomes)


def test_a_page_says_what_failed_and_what_held(tmp_path: Path) -> None:
    page = write_page(result("source raw.sales", BAD, GOOD), tmp_path)
    assert page.parent == tmp_path / "source-raw.sales"
    text = Text(page.read_text()).text
    for part in (
        "source raw.sales gate failed",
        "Rows 120 Expectations 2 Fail the gate 1 Reported only 0",
        "critical price values must be greater than or equal to 0. 3 of 120 rows (2.5 %)",
        "-1.5 '<script>alert(1)</script>'",
        "expect_column_values_to_be_between(column=price, min_value=0)",
        "What held id ✓ id values must never be null.",
        "expect_column_values_to_not_be_null(column=id) implied all 120 rows hold",
        "Judged by Great Expectations 1.24.",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("outcomes", "rows", "said"),
    [
        ((GOOD,), 120, "gate passed"),
        ((GOOD,), 0, "The batch has no rows, so everything about rows holds."),
        (
            (BROKEN,),
            120,
            "not judged price values must be greater than or equal to 0. could not be judged: no such column",
        ),
        ((Outcome(BETWEEN, False, observed=1234567.5),), 120, "found 1,234,567.5"),
        ((Outcome(BETWEEN, False, 119_999, 120_000),), 120_000, "119,999 of 120,000 rows (> 99.9 %)"),
    ],
)
def test_what_a_page_says(tmp_path: Path, outcomes: tuple[Outcome, ...], rows: int, said: str) -> None:
    assert said in Text(write_page(result("s", *outcomes, rows=rows), tmp_path).read_text()).text


def test_pages_need_no_network(tmp_path: Path) -> None:
    page = write_page(result("s", BAD, GOOD), tmp_path)
    for path in (page, tmp_path / "index.html"):
        assert not re.search(r"https?://|@import|url\(", path.read_text())
        for link in Text(path.read_text()).links:
            assert (path.parent / link).exists()


def test_nothing_a_value_says_is_html(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>`<b>`"
    bad = Outcome(Expectation(evil, {"column": evil}), False, 1, 2, (evil, {evil: evil}), evil, None, evil)
    page = write_page(result(evil, bad, Outcome(NOT_NULL, True, error=None, observed=evil, sentence=evil)), tmp_path)
    for path in (page, tmp_path / "index.html"):
        assert not re.search("<img|<b>", path.read_text())


def test_the_index_links_every_page_newest_first(tmp_path: Path) -> None:
    pages = [write_page(result(f"suite {place % 3}", BAD if place % 2 else GOOD), tmp_path) for place in range(7)]
    index = Text((tmp_path / "index.html").read_text())
    assert index.links == [page.relative_to(tmp_path).as_posix() for page in reversed(pages)]
    assert index.text.count("failed") == 3


def test_the_index_is_made_again_from_what_lies_beside_the_pages(tmp_path: Path) -> None:
    write_page(result("one", BAD), tmp_path)
    index = (tmp_path / "index.html").read_text()
    (tmp_path / "index.html").unlink()
    assert write_index(tmp_path).read_text() == index


def test_an_old_index_lists_the_newest_pages_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_docs, "NEWEST", 2)
    for _ in range(3):
        page = write_page(result("s", GOOD), tmp_path)
    index = Text((tmp_path / "index.html").read_text())
    assert index.links[0] == page.relative_to(tmp_path).as_posix()
    assert len(index.links) == 2
    assert "1 older pages are in the folders beside this one." in index.text


def test_old_pages_expire_and_the_index_follows(tmp_path: Path) -> None:
    assert expire_pages(tmp_path / "nowhere", dt.datetime.now(dt.UTC), dry_run=False) == 0
    old = write_page(result("one", GOOD), tmp_path)
    new = write_page(result("two", BAD), tmp_path)
    for path in (old, old.with_suffix(".json")):
        path.rename(path.with_name("20240105T" + path.name.split("T")[1]))
    old = old.with_name("20240105T" + old.name.split("T")[1])
    assert expire_pages(tmp_path, dt.datetime(2024, 1, 5, tzinfo=dt.UTC), dry_run=False) == 0
    assert expire_pages(tmp_path, dt.datetime(2024, 1, 6, tzinfo=dt.UTC), dry_run=True) == 1
    assert old.exists()
    assert expire_pages(tmp_path, dt.datetime(2024, 1, 6, tzinfo=dt.UTC), dry_run=False) == 1
    assert sorted(tmp_path.glob("*/*")) == sorted([new, new.with_suffix(".json")])
    assert Text((tmp_path / "index.html").read_text()).links == [new.relative_to(tmp_path).as_posix()]


def test_many_gates_at_once_miss_no_page(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda place: write_page(result(f"suite {place % 4}", GOOD), tmp_path), range(40)))
    assert set(Text((tmp_path / "index.html").read_text()).links) == {
        page.relative_to(tmp_path).as_posix() for page in pages
    }
    assert not list(tmp_path.rglob(".*")), "temporary files are gone"


def test_a_write_that_fails_leaves_the_old_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_page(result("one", GOOD), tmp_path)
    index = (tmp_path / "index.html").read_text()
    write: Callable[..., int] = Path.write_text

    def torn(path: Path, text: str, encoding: str) -> int:
        if "index" in path.name:
            write(path, text[:100], encoding=encoding)
            raise OSError("disk full")
        return write(path, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", torn)
    with pytest.raises(InfrastructureError, match="gate 'two' cannot be written: disk full"):
        write_page(result("two", GOOD), tmp_path)
    assert (tmp_path / "index.html").read_text() == index
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("source raw.sales", "source-raw.sales"),
        ("../../etc", "etc"),
        ("Über uns!", "über-uns"),
        ("...", "suite"),
        ("a/b", "a-b"),
    ],
)
def test_suites_are_folders(name: str, folder: str) -> None:
    assert slug(name) == folder


def test_summaries_are_small(tmp_path: Path) -> None:
    page = write_page(result("s", *[BAD] * 50), tmp_path)
    summary = json.loads(page.with_suffix(".json").read_text())
    assert (summary["passed"], summary["failed"], summary["rows"]) == (False, 50, 120)
    assert page.with_suffix(".json").stat().st_size < 500


def test_gx_is_imported_late_in_the_background_and_quietly() -> None:
    script = """
import sys, threading, warnings
from headrace import quality
assert "great_expectations" not in sys.modules
quality.warm_up()
assert threading.active_count() > 1  # the import takes seconds, and goes on beside us
show = warnings.showwarning
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
assert "great_expectations" in sys.modules
assert warnings.showwarning is show
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
