"""The same sets by Headrace, tempo and Feast: time ratios, and every row that differs with the reason why it does.

tempo and Feast live in an environment of their own, `.venv-peers`, which the first run makes. The data is small on
purpose (`BENCH_ROWS` / 100 events): what is compared is what comes out, and times to within an order.
"""

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.events import ROWS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REQUIREMENTS = HERE / "peers.txt"
EVENTS = max(ROWS // 100, 20_000)
SPINE = EVENTS // 10
WEEK_US = 7 * 86_400_000_000
COLUMNS = [f"{stat}_{window}" for window in ("1h", "1d", "7d", "30d") for stat in ("count", "sum", "mean", "max")]
DATED = ["spend", "visits"]
TOLERANCE = 1e-9
Seconds = dict[str, tuple[float, float]]


@pytest.fixture(scope="module")
def peers_python() -> Path:
    """The Python of an environment that has the peers; made anew when the requirements have changed."""
    home = ROOT / ".venv-peers"
    python, mark = home / "bin" / "python", home / ".requirements"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        venv.create(home, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            pytest.fail(f"tempo and Feast cannot be installed from the package index: {said}", pytrace=False)
        mark.write_text(wanted)
    return python


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events, dated rows and spine, with everything that Headrace makes of them."""
    place = tmp_path_factory.mktemp("peers")
    write = f"import data, pathlib; data.write(pathlib.Path({str(place)!r}), {EVENTS}, {SPINE})"
    subprocess.run([sys.executable, "-c", write], cwd=HERE / "peers", check=True)
    return place


@pytest.fixture(scope="module")
def ours(folder: Path) -> Seconds:
    return seconds_of(Path(sys.executable), "by_headrace.py", folder, {"PYTHONPATH": str(ROOT / "jobs")})


def seconds_of(python: Path, script: str, folder: Path, more: dict[str, str] | None = None) -> Seconds:
    """Runs a script of `peers/`: by set, seconds of the first run and of the next."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK", "PYSPARK", "PYTHON", "HEADRACE"))}
    environment |= {"PYSPARK_PYTHON": str(python), "PYSPARK_DRIVER_PYTHON": str(python), **(more or {})}
    command = [python, HERE / "peers" / script, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: tuple(seconds) for name, seconds in json.loads(done.stdout.splitlines()[-1]).items()}


def rows_of(folder: Path) -> pd.DataFrame:
    """A result in the order of the spine's ids, each of which must be there once."""
    found = pq.read_table(folder).to_pandas().sort_values("id", ignore_index=True)
    assert list(found["id"]) == list(range(SPINE))
    return found


def differing(one: pd.DataFrame, other: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Where any of the columns differs by more than the last bits of a sum of doubles, or is null on one side only."""
    found = np.zeros(len(one), bool)
    for column in columns:
        a, b = (frame[column].to_numpy("float64", na_value=np.nan) for frame in (one, other))
        found |= (np.isnan(a) != np.isnan(b)) | (np.abs(a - b) > TOLERANCE * np.maximum(np.abs(a), 1))
    return found


def test_windows_and_a_label_by_tempo(peers_python: Path, folder: Path, ours: Seconds) -> None:
    say("tempo", ours, seconds_of(peers_python, "by_tempo.py", folder))
    spine, events = rows_of(folder / "spine"), pq.read_table(folder / "events").to_pandas()
    mine, its = rows_of(folder / "headrace" / "labelled"), rows_of(folder / "tempo" / "labelled")
    windows, now = differing(mine, its, COLUMNS), has_event(spine, events, 0)
    print(
        f"  windows: {windows.sum():,} of {SPINE:,} rows differ, each has an event at its very instant, which tempo counts"
    )
    assert windows.sum() > 0
    assert not (windows & ~now).any()
    mature = mine["spent__mature"].to_numpy(bool)
    label, end = differing(mine, its, ["spent"]) & mature, has_event(spine, events, WEEK_US)
    partly = its["spent"].notna()[~mature].sum()
    print(
        f"  label: {label.sum():,} differ, by an event where the horizon ends; {(~mature).sum():,} rows are immature,"
    )
    print(f"  of which tempo gives {partly:,} the sum of a part of their horizon")
    assert not (label & ~end).any()


def test_as_of_joins_by_tempo(peers_python: Path, folder: Path, ours: Seconds) -> None:
    spine = rows_of(folder / "spine")
    if not (folder / "tempo" / "as_of_filled").exists():
        seconds_of(peers_python, "by_tempo.py", folder)
    seen, unseen = (rows_of(folder / "headrace" / name) for name in ("as_of", "as_of_unseen"))
    whole, filled = (rows_of(folder / "tempo" / name) for name in ("as_of", "as_of_filled"))
    late, ties, fills = differing(seen, whole, DATED), differing(unseen, whole, DATED), differing(whole, filled, DATED)
    print(
        f"  as-of by tempo: {late.sum():,} of {SPINE:,} rows differ; without available_at {ties.sum():,}, all of them ties;"
    )
    print(f"  by tempo's default a null is filled from older rows, column by column: {fills.sum():,} rows more")
    assert late.sum() > ties.sum()
    assert not (ties & ~is_tied(folder, spine, seen=False)).any()


def test_as_of_joins_by_feast(peers_python: Path, folder: Path, ours: Seconds) -> None:
    say("Feast", ours, seconds_of(peers_python, "by_feast.py", folder))
    spine = rows_of(folder / "spine")
    its = {name: pq.read_table(folder / "feast" / name).to_pandas() for name in ("as_of", "as_of_unseen")}
    for name, rows in its.items():
        mine, tied = rows_of(folder / "headrace" / name), is_tied(folder, spine, seen=name == "as_of")
        again = rows["id"][rows.duplicated("id")]
        its[name] = rows.drop_duplicates("id").sort_values("id", ignore_index=True)
        assert list(its[name]["id"]) == list(range(SPINE))
        found = differing(mine, its[name], DATED)
        print(
            f"  {name}: {len(again):,} rows come back twice and {found.sum():,} of {SPINE:,} differ, all of them ties"
        )
        assert tied[again].all()
        assert not (found & ~tied).any()
    leaks = differing(rows_of(folder / "headrace" / "as_of"), its["as_of_unseen"], DATED)
    print(f"  Feast's default against available_at: {leaks.sum():,} rows differ")
    assert leaks.any()


def has_event(spine: pd.DataFrame, events: pd.DataFrame, shift_us: int) -> np.ndarray:
    """Which rows have an event of their key at so long after their instant."""
    asked = pd.MultiIndex.from_arrays([spine["key"], spine["t"] + pd.Timedelta(shift_us, "us")])
    return asked.isin(pd.MultiIndex.from_arrays([events["key"], events["at"]]))


def is_tied(folder: Path, spine: pd.DataFrame, seen: bool) -> np.ndarray:
    """Which rows may take one of several dated rows of the same time and arrival; `seen` leaves out what came later."""
    both = spine.merge(pq.read_table(folder / "daily").to_pandas(), on="key")
    both = both[(both["row_time"] <= both["t"]) & ((both["created"] <= both["t"]) | (not seen))]
    for newest in ("row_time", "created"):
        both = both[both[newest] == both.groupby("id")[newest].transform("max")]
    return spine["id"].isin(both["id"][both.duplicated("id", keep=False)]).to_numpy()


def say(peer: str, ours: Seconds, theirs: Seconds) -> None:
    """Seconds of both, and their ratio."""
    print(f"\n{peer}: {EVENTS:,} events, {SPINE:,} rows")
    for name, (first, later) in theirs.items():
        mine = ours[name.removesuffix("_filled")]
        print(
            f"  {name}: {later:.1f} s against {mine[1]:.1f} s, {later / mine[1]:.2f} x; first runs {first:.1f} s, {mine[0]:.1f} s"
        )
