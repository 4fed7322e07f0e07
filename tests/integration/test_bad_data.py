"""Bad data and bad places: each is one clear line and an exit code, and leaves no half work behind."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import Shop, write_sales

STACKS = re.compile(r"Py4J|Traceback|org\.apache|java\.lang\.\w*Exception")
ENTITY = """
kind: entity
name: customer
keys: {customer_id: bigint}
"""
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
%s
spark: {master: 'local[2]'}
"""


def nothing_written(shop: Shop) -> bool:
    """Whether there is no table, no quarantine and nothing staged; the ledger and reports may say what happened."""
    return not any(shop.files(f"lake/{folder}") for folder in ("features", "quarantine", "_headrace/staging"))


#          customer amount item  sold_at
GOOD = [(1, 2.5, "pear", "2024-01-02T09:00:00Z"), (None, 4.0, "plum", "2024-01-02T10:00:00Z")]
HEADER = "customer_id,amount,item,sold_at\n"

# table: where it is, what its source declares beside it, exit code and error. Of tables that are not there, or not as
# declared, test_storage_tables has others.
DATA: dict[str, tuple[str, str, int, str]] = {
    "missing_delta": (
        "{path: ./data/nowhere}",
        "",
        3,
        "reading raw.missing_delta: there is no Delta table at {root}/data/nowhere",
    ),
    "missing_parquet": (
        "{path: ./data/nowhere, format: parquet}",
        "",
        3,
        "reading raw.missing_parquet: there is nothing at {root}/data/nowhere",
    ),
    "corrupt_footer": (
        "{path: ./data/footer.parquet, format: parquet}",
        "",
        3,
        "reading raw.corrupt_footer: {root}/data/footer.parquet is not a Parquet file, or it is damaged",
    ),
    "corrupt_pages": (
        "{path: ./data/pages.parquet, format: parquet}",
        "",
        3,
        (
            "checking spend_of_corrupt_pages input corrupt_pages: cannot read {root}/data/pages.parquet: don't "
            "know what type: 15; the file may be damaged"
        ),
    ),
    "corrupt_log": (
        "{path: ./data/corrupt_log}",
        "",
        3,
        (
            "reading raw.corrupt_log: the Delta log of {root}/data/corrupt_log is damaged: "
            "00000000000000000000.json cannot be read; restore the file, or rebuild the table"
        ),
    ),
    "corrupt_file": (
        "{path: ./data/corrupt_file}",
        "",
        3,
        "reading raw.corrupt_file: {root}/data/corrupt_file/part-….parquet is not a Parquet file, or it is damaged",
    ),
    "deleted_file": (
        "{path: ./data/deleted_file}",
        "",
        3,
        (
            "reading raw.deleted_file: the data file {root}/data/deleted_file/part-….parquet is missing; it was"
            " deleted or vacuumed; restore it, or rebuild the table"
        ),
    ),
    "empty": (
        "{path: ./data/empty.parquet, format: parquet}",
        "",
        3,
        "raw.empty has no rows at all; load it before features are computed from it",
    ),
    "a_word_for_a_number": (
        "{path: ./data/word.csv, format: csv}",
        "",
        3,
        (
            "computing spend_of_a_word_for_a_number from a_word_for_a_number: {root}/data/word.csv: a row does "
            "not fit the declared columns: [1,null,pear,1704186000000000] For input string: 'much'"
        ),
    ),
    "a_short_line": (
        "{path: ./data/short.csv, format: csv}",
        "",
        3,
        (
            "checking spend_of_a_short_line input a_short_line: {root}/data/short.csv: a row does not fit the "
            "declared columns: [1,2.5,null,null] Malformed CSV record: 1,2.5"
        ),
    ),
    "null_keys": (
        "{path: ./data/sales}",
        "expectations: [expect_column_values_to_not_be_null: {column: customer_id}]",
        3,
        (
            "spend_of_null_keys 2024-01-02: the gate is closed, nothing was written\n"
            "spend_of_null_keys input null_keys: gate failed: 1 of 8 expectations on 2 rows\n"
            "  critical: expect_column_values_to_not_be_null(column=customer_id): 1 of 2 rows (50.0 %)"
        ),
    ),
    "no_time": (
        "{path: ./data/no_time.parquet, format: parquet}",
        "",
        3,
        (
            "spend_of_no_time 2024-01-02: the gate is closed, nothing was written\n"
            "spend_of_no_time input no_time: gate failed: 1 of 8 expectations on 1 rows\n"
            "  critical: expect_column_values_to_not_be_null(column=sold_at): 1 of 1 rows (100.0 %)"
        ),
    ),
    "no_number": (
        "{path: ./data/sales}",
        "derive: {size: cast(item as int)}",
        3,
        "computing spend_of_no_number from no_number: the STRING 'pear' is not a valid INT in derived column size: cast(item as int)",
    ),
}
SOURCE = """---
kind: source
name: {name}
table: raw.{name}
event_time: sold_at
columns: {{customer_id: bigint, amount: double, item: string, sold_at: timestamp}}
{declared}
---
kind: feature_group
name: spend_of_{name}
version: 1
entity: customer
source: {name}
every: 1d
start: 2024-01-01
features:
  spend: {{aggregate: sum, of: {of}, window: 1d}}
  last_item: {{aggregate: last, of: item, window: 1d}}
"""


def parquet(path: Path, rows: int = 1, **changed: pa.Array) -> None:
    """Writes equal rows of a sale; `changed` columns are put in place of its own, or added."""
    sold_at = pa.array([datetime(2024, 1, 2, 9, tzinfo=UTC)] * rows, pa.timestamp("us", tz="UTC"))
    columns = {"customer_id": pa.array([1] * rows, pa.int64()), "amount": pa.array([2.5] * rows, pa.float64())}
    columns |= {"item": pa.array([f"pear {row}" for row in range(rows)], pa.string()), "sold_at": sold_at}
    table = pa.table({name: column for name, column in (columns | changed).items() if column is not None})
    pq.write_table(table, path, compression="none", use_dictionary=False)


@pytest.fixture(scope="module")
def broken(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project with a group over every broken table."""
    definitions = ENTITY + "".join(
        SOURCE.format(name=name, declared=declared, of="size" if "size" in declared else "amount")
        for name, (_, declared, _, _) in DATA.items()
    )
    tables = "\n".join(f"  raw.{name}: {where}" for name, (where, *_) in DATA.items())
    shop = Shop.open(tmp_path_factory.mktemp("broken") / "shop", definitions, CONF % tables)
    data = shop.root / "data"
    write_sales(spark, data / "sales", GOOD)
    for checksum in data.rglob("*.crc"):
        checksum.unlink()  # else Hadoop notices before Delta does, or Delta mends its log
    for name in ("corrupt_log", "corrupt_file", "deleted_file"):
        shutil.copytree(data / "sales", data / name)
    (log,) = (data / "corrupt_log" / "_delta_log").glob("*.json")
    log.write_text("{no json")
    (file,) = (data / "corrupt_file").glob("*.parquet")
    file.write_bytes(file.read_bytes()[:-100])
    next((data / "deleted_file").glob("*.parquet")).unlink()
    parquet(data / "pages.parquet", rows=2000)
    pages = bytearray((data / "pages.parquet").read_bytes())
    pages[50:20_000] = b"\xff" * 19_950
    (data / "pages.parquet").write_bytes(pages)
    (data / "footer.parquet").write_bytes(b"PAR1 and nothing that ends like it")
    parquet(data / "empty.parquet", rows=0)
    parquet(data / "no_time.parquet", sold_at=pa.array([None], pa.timestamp("us", tz="UTC")))
    (data / "word.csv").write_text(f"{HEADER}1,much,pear,2024-01-02T09:00:00Z\n")
    (data / "short.csv").write_text(f"{HEADER}1,2.5,pear,2024-01-02T09:00:00Z\n1,2.5\n")
    return shop


@pytest.mark.parametrize("table", DATA)
def test_data(broken: Shop, capfd: pytest.CaptureFixture[str], table: str) -> None:
    _, _, code, error = DATA[table]
    done = broken.headrace(f"materialize --group spend_of_{table} --interval 2024-01-02")
    said = re.sub(r"part-\S+\.parquet", "part-….parquet", done.error.replace(str(broken.root), "{root}"))
    said = re.sub(r"\n  report: .*", "", said)
    assert (done.code, said) == (code, error)
    assert not STACKS.search(done.out + done.err)
    assert capfd.readouterr() == ("", "")
    assert nothing_written(broken)


def test_a_lake_that_cannot_be_written(spark: SparkSession, broken: Shop, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    conf = (broken.root / "conf" / "local.yaml").read_text().replace("./lake", f"{tmp_path}/file/lake")
    (broken.root / "conf" / "other.yaml").write_text(conf)
    done = broken.headrace("materialize --group spend_of_null_keys --interval 2024-01-02 --conf conf/other.yaml")
    assert (done.code, done.error) == (
        5,
        (
            f"creating the ledger: cannot write to {tmp_path}/file/lake/_headrace/ledger; "
            "its parent must be a directory that can be written to"
        ),
    )
    assert not STACKS.search(done.out + done.err)
    assert (tmp_path / "file").read_text() == "not a directory"


def test_a_ledger_that_is_damaged(broken: Shop) -> None:
    data, other = broken.root / "data", broken.root / "conf" / "other.yaml"
    shutil.copytree(data / "corrupt_log", data / "lake" / "_headrace" / "ledger")
    other.write_text((broken.root / "conf" / "local.yaml").read_text().replace("lake: ./lake", "lake: ./data/lake"))
    done = broken.headrace("materialize --group spend_of_null_keys --interval 2024-01-02 --conf conf/other.yaml")
    assert done.code == 3
    assert done.error.startswith(f"reading the ledger: the Delta log of {data}/lake/_headrace/ledger is damaged")
    assert broken.files("data/lake") == ["_headrace"]
