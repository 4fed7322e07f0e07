"""Bad definitions, bad configuration, bad data, a bad machine: each is one clear line, an exit code, and no half work."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import Outcome, Shop, write_sales

LINE = "materialize --group spend --interval 2024-01-02"
CONF = """
lake: ./lake
roots: [./lake, ./data]
tables:
  raw.sales: {path: ./data/sales}
spark: {master: 'local[2]'}
"""
DEFINITIONS = """
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
columns: {customer_id: bigint, amount: double, item: string, sold_at: timestamp}
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, window: 1d}
"""
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
STACKS = re.compile(r"Py4J|Traceback|org\.apache|java\.lang\.\w*Exception")


def nothing_written(shop: Shop) -> bool:
    """Whether there is no table, no quarantine and nothing staged; the ledger and reports may say what happened."""
    return not any(shop.files(f"lake/{folder}") for folder in ("features", "quarantine", "_headrace/staging"))


@pytest.fixture
def plain(tmp_path: Path) -> Shop:
    """A project without any data: what is wrong with it is found before Spark is asked."""
    return Shop.open(tmp_path / "shop", DEFINITIONS, CONF)


RUNTIME = "reflect('java.lang.Runtime', 'getRuntime') is not null"
REACHES = "'reflect' is not allowed: it reaches outside the row"


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        # an unknown field
        (
            ("window: 1d", "windw: 1d"),
            "20:39 error[unknown-field] spend.spend: 'windw' is not a field here; did you mean 'window'?",
        ),
        (
            ("every: 1d", "every: 1d\nevrey: 2d"),
            "18:1 error[unknown-field] spend: 'evrey' is not a field here; did you mean 'every'?",
        ),
        # a key twice
        (
            ("version: 1", "version: 1\nversion: 2"),
            "15:1 error[duplicate-key] key 'version' stands here a second time (first on line 14); keep one of them",
        ),
        (
            ("amount: double,", "amount: double, amount: bigint,"),
            "10:48 error[duplicate-key] key 'amount' stands here a second time (first on line 10); keep one of them",
        ),
        # a wrong type
        (
            ("amount: double", "amount: doubel"),
            "10:40 error[invalid-value] sales: amount: unknown type 'doubel'; did you mean 'double'?",
        ),
        (
            ("version: 1", "version: one"),
            "14:10 error[invalid-value] spend: version: must be a whole number, not 'one'",
        ),
        (("of: amount", "of: item"), "20:31 error[aggregate-type] spend.spend: sum takes numbers, not string"),
        # an unknown column
        (
            ("of: amount", "of: amout"),
            "20:31 error[unknown-column] spend.spend: 'amout' is not a column of sales; did you mean 'amount'?",
        ),
        (
            ("event_time: sold_at", "event_time: soldat"),
            "9:13 error[unknown-column] sales: 'soldat' is not a column of sales; did you mean 'sold_at'?",
        ),
        # an expression that tries to run code
        (("every: 1d", f"every: 1d\nwhere: {RUNTIME}"), f"18:8 error[forbidden-expression] spend: {REACHES}"),
        (("table: raw", f"where: {RUNTIME}\ntable: raw"), f"8:8 error[forbidden-expression] sales: {REACHES}"),
        (
            ("table: raw", f'derive: {{x: "{RUNTIME}"}}\ntable: raw'),
            f"8:14 error[forbidden-expression] sales.x: {REACHES}",
        ),
        (
            ("of: amount", f'where: "{RUNTIME}", of: amount'),
            f"20:35 error[forbidden-expression] spend.spend: {REACHES}",
        ),
        (
            ("window: 1d}", f'window: 1d}}\n  x: {{expression: "{RUNTIME}"}}'),
            f"21:20 error[forbidden-expression] spend.x: {REACHES}",
        ),
        (
            ("of: amount", "of: \"`reflect`('java.lang.Runtime', 'getRuntime')\""),
            (
                "20:32 error[forbidden-expression] spend.spend: a function name may not be in backticks; "
                "a column is not called"
            ),
        ),
        # a YAML bomb
        (("kind: entity\n", f"kind: entity\n{BOMB}"), ""),
    ],
)
def test_definitions(plain: Shop, edit: tuple[str, str], problem: str) -> None:
    with plain.edited(edit):
        done = plain.headrace(LINE)
    assert (done.code, done.out, done.error) == (2, "", "1 error")
    assert done.err.splitlines()[0] == f"feature_defs/shop.yaml:{problem}"
    assert not plain.files()


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (
            ("lake: ./lake", "lake: ./lake\nlakes: 1"),
            "3:1 error[unknown-field] 'lakes' is not a setting here; did you mean 'lake'?",
        ),
        (("path: ./data/sales", "path: ./data/../../sales"), ""),
        (("path: ./data/sales", "path: /etc/passwd"), ""),
        (("path: ./data/sales", "path: ./data/elsewhere/sales"), ""),
        (("path: ./data/sales", "path: 's3a://bucket/sales'"), ""),
        (("lake: ./lake", "lake: /tmp"), ""),
        (("lake: ./lake\n", f"lake: ./lake\n{BOMB}"), ""),
    ],
)
def test_configuration(plain: Shop, tmp_path: Path, edit: tuple[str, str], problem: str) -> None:
    (plain.root / "data" / "elsewhere").symlink_to(tmp_path)
    old, new = edit
    (plain.root / "conf" / "local.yaml").write_text(CONF.replace(old, new))
    done = plain.headrace(LINE)
    assert (done.code, done.out, done.error) == (2, "", "1 error")
    assert done.err.splitlines()[0] == f"conf/local.yaml:{problem}"
    assert not plain.files()


def test_a_path_outside_the_roots_cannot_be_imported(spark: SparkSession, plain: Shop) -> None:
    done = plain.headrace("import /etc/passwd")
    assert (done.code, done.error) == (2, "")


JOB = [sys.executable, "-m", "headrace", "--project", "{root}", *LINE.split()]


def process(shop: Shop, **environ: str) -> Outcome:
    """The same command in a process of its own, with no session and little in its environment."""
    done = subprocess.run(
        [word.format(root=shop.root) for word in JOB], env=environ, capture_output=True, text=True, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_missing_java(plain: Shop) -> None:
    done = process(plain, PATH=str(plain.root))
    assert (done.code, done.out, done.err.count("\n")) == (5, "", 2)
    assert done.error == (
        "Java is missing (looked at JAVA_HOME, .jdk/ and PATH); "
        "install Java 17 or newer (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME"
    )
    assert not plain.files()


def test_a_spark_and_a_delta_that_do_not_fit(plain: Shop, tmp_path: Path) -> None:
    other = tmp_path / "packages" / "delta_spark-4.4.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: delta-spark\nVersion: 4.4.1\n")
    done = process(plain, PATH=os.environ["PATH"], PYTHONPATH=str(other.parent))
    assert (done.code, done.out, done.err.count("\n")) == (5, "", 2)
    assert done.error == (
        "pyspark and delta-spark do not fit together: found pyspark 4.1.4 and delta-spark 4.4.1; "
        "pip install 'pyspark==4.1.4' 'delta-spark==4.4.0'"
    )
    assert not plain.files()


#          customer amount item  sold_at
GOOD = [(1, 2.5, "pear", "2024-01-02T09:00:00Z"), (None, 4.0, "plum", "2024-01-02T10:00:00Z")]
HEADER = "customer_id,amount,item,sold_at\n"

# table: where it is, what its source declares beside it, exit code and error
DATA: dict[str, tuple[str, str, int, str]] = {
    "missing_delta": ("{path: ./data/nowhere}", "", 3, ""),
    "missing_parquet": ("{path: ./data/nowhere, format: parquet}", "", 3, ""),
    "missing_by_name": ("{catalog: nowhere.at_all}", "", 3, ""),
    "corrupt_footer": ("{path: ./data/footer.parquet, format: parquet}", "", 3, ""),
    "corrupt_pages": ("{path: ./data/pages.parquet, format: parquet}", "", 3, ""),
    "corrupt_log": ("{path: ./data/corrupt_log}", "", 3, ""),
    "corrupt_file": ("{path: ./data/corrupt_file}", "", 3, ""),
    "deleted_file": ("{path: ./data/deleted_file}", "", 3, ""),
    "another_type": ("{path: ./data/another_type.parquet, format: parquet}", "", 3, ""),
    "another_column": ("{path: ./data/another_column.parquet, format: parquet}", "", 3, ""),
    "empty": ("{path: ./data/empty.parquet, format: parquet}", "", 3, ""),
    "no_files": ("{path: ./data/no_files, format: parquet}", "", 3, ""),
    "a_word_for_a_number": ("{path: ./data/word.csv, format: csv}", "", 3, ""),
    "a_short_line": ("{path: ./data/short.csv, format: csv}", "", 3, ""),
    "null_keys": (
        "{path: ./data/sales}",
        "expectations: [expect_column_values_to_not_be_null: {column: customer_id}]",
        3,
        "",
    ),
    "no_time": ("{path: ./data/no_time.parquet, format: parquet}", "", 3, ""),
    "no_number": ("{path: ./data/sales}", "derive: {size: cast(item as int)}", 3, ""),
    "unmapped": ("", "", 2, ""),
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
    definitions = DEFINITIONS[: DEFINITIONS.index("---")] + "".join(
        SOURCE.format(name=name, declared=declared, of="size" if "size" in declared else "amount")
        for name, (_, declared, _, _) in DATA.items()
    )
    tables = "".join(f"  raw.{name}: {where}\n" for name, (where, *_) in DATA.items() if where)
    conf = CONF.replace("  raw.sales: {path: ./data/sales}\n", tables)
    shop = Shop.open(tmp_path_factory.mktemp("broken") / "shop", definitions, conf)
    data = shop.root / "data"
    write_sales(spark, data / "sales", GOOD)
    for checksum in data.rglob(".*.crc"):
        checksum.unlink()  # Hadoop's own would notice before Spark does
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
    parquet(data / "another_type.parquet", amount=pa.array(["2.5"]))
    parquet(data / "another_column.parquet", amount=None, amounts=pa.array([2.5]))
    parquet(data / "empty.parquet", rows=0)
    parquet(data / "no_time.parquet", sold_at=pa.array([None], pa.timestamp("us", tz="UTC")))
    (data / "no_files").mkdir()
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
    assert (done.code, done.error) == (5, "")
    assert not STACKS.search(done.out + done.err)
    assert (tmp_path / "file").read_text() == "not a directory"


def test_a_ledger_that_is_damaged(broken: Shop) -> None:
    """The record of what was computed cannot be read: nothing is computed on a guess."""
