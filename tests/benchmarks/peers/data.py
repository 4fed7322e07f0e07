"""Events, dated daily rows and a spine, with the edges in which tools differ: events at the instant and in its second,
late rows, corrections and ties of dated rows, nulls. Written as Parquet with numpy and pyarrow alone."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START_US = 1_704_067_200_000_000  # 2024-01-01
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
DAYS = 366
UTC = pa.timestamp("us", tz="UTC")


def write(folder: Path, events: int, rows: int) -> None:
    """Writes `events`, `daily` and `spine`, the same ones every time; 100 events a key.

    Args:
        folder: Where to.
        events: Events, and about half as many daily rows.
        rows: Rows of the spine: 70 % at random, 20 % at an event's own time, 5 % a day and .3 s after one, 5 % at midnight.
    """
    random = np.random.default_rng(7)
    keys = max(events // 100, 10)
    key = random.integers(0, keys, events)
    at = START_US + random.integers(0, DAYS * DAY_US, events)
    amount = random.integers(100, 10_000, events) / 100
    _save(folder, "events", key=key, at=pa.array(at, UTC), amount=amount)
    _save(folder, "daily", **_daily(random, events // 2, keys))
    like = random.integers(0, events, rows)
    kind = random.random(rows)
    spine_key = np.where((kind < 0.7) | (kind >= 0.95), random.integers(0, keys, rows), key[like])
    anywhere = START_US + random.integers(0, DAYS * DAY_US, rows)
    when = [anywhere, at[like], at[like] + DAY_US + 300_000]
    t = np.select([kind < 0.7, kind < 0.9, kind < 0.95], when, anywhere // DAY_US * DAY_US)
    _save(folder, "spine", id=np.arange(rows), key=spine_key, t=pa.array(t, UTC))


def _daily(random: np.random.Generator, rows: int, keys: int) -> dict[str, object]:
    """One row a key and day at most, then 3 % of them corrected a day later, and 1 % doubled with other values; half late."""
    both = np.unique(random.integers(0, keys, rows) * DAYS + random.integers(1, DAYS, rows))
    corrected, doubled = both[random.random(len(both)) < 0.03], both[random.random(len(both)) < 0.01]
    late = np.where(random.random(len(both)) < 0.5, random.integers(0, 2 * DAY_US, len(both)), 0)
    arrived = [late[np.searchsorted(both, days)] for days in (corrected, doubled)]
    every, late = np.concatenate([both, corrected, doubled]), np.concatenate([late, arrived[0] + DAY_US, arrived[1]])
    row_time = START_US + every % DAYS * DAY_US
    spend = random.integers(0, 100_000, len(every)) / 100
    return {
        "key": every // DAYS,
        "row_time": pa.array(row_time, UTC),
        "created": pa.array(row_time + late, UTC),
        "serial": np.arange(len(every)),
        "spend": pa.array(spend, mask=random.random(len(every)) < 0.05),
        "visits": pa.array(random.integers(0, 50, len(every)), mask=random.random(len(every)) < 0.05),
    }


def _save(folder: Path, name: str, **columns: object) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / name / "rows.parquet")
