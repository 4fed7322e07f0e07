"""Bad definitions, a bad configuration, a bad machine: each is one clear line and an exit code, before any work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.integration.shop import Outcome, Shop

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


@pytest.fixture
def plain(tmp_path: Path) -> Shop:
    """A project without any data: what is wrong with it is found before Spark is asked."""
    return Shop.open(tmp_path / "shop", DEFINITIONS, CONF)


OUTSIDE = "is outside the declared roots ('./lake', './data'); add its place to `roots` in the configuration"
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
        (
            ("kind: entity\nname: customer", f"{BOMB}kind: entity\nname: customer"),
            "6:36 error[yaml-too-large] more than 100,000 values after alias expansion; split it into several files",
        ),
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
        (
            ("path: ./data/sales", "path: ./data/../../sales"),
            f"5:21 error[invalid-path] tables.raw.sales.path: path './data/../../sales' {OUTSIDE}",
        ),
        (
            ("path: ./data/sales", "path: /etc/passwd"),
            f"5:21 error[invalid-path] tables.raw.sales.path: path '/etc/passwd' {OUTSIDE}",
        ),
        (
            ("path: ./data/sales", "path: ./data/elsewhere/sales"),
            f"5:21 error[invalid-path] tables.raw.sales.path: path './data/elsewhere/sales' {OUTSIDE}",
        ),
        (
            ("path: ./data/sales", "path: 's3a://bucket/sales'"),
            f"5:21 error[invalid-path] tables.raw.sales.path: path 's3a://bucket/sales' {OUTSIDE}",
        ),
        (("lake: ./lake", "lake: /tmp"), f"2:7 error[invalid-path] lake: path '/tmp' {OUTSIDE}"),
        (
            ("lake: ./lake", f"{BOMB}lake: ./lake"),
            "6:36 error[yaml-too-large] more than 100,000 values after alias expansion; split it into several files",
        ),
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
    assert (done.code, done.error) == (2, f"path '/etc/passwd' {OUTSIDE}")


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
