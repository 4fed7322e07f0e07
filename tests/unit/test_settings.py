"""Configuration files: precise complaints, variables over the file, paths that stay inside, secrets unseen."""

import os
import re
import traceback
from pathlib import Path
from textwrap import dedent

import pytest

from headrace.errors import DefinitionError, UsageError
from headrace.settings import Settings, load, resolve_path, reveal

PROJECT = Path(__file__).parents[2]
MINIMAL = "lake: ./lake\n"
NAMED_TABLE = re.compile(r"^table: (\S+)", re.MULTILINE)
IN_DOCS = re.compile(r"^```yaml\n(# conf/.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("HEADRACE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    return tmp_path.resolve()


def loaded(project: Path, text: str) -> Settings:
    (project / "conf/x.yaml").write_text(dedent(text))
    return load(project, "conf/x.yaml")


def complaints(project: Path, text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        loaded(project, text)
    assert caught.value.exit_code == 2
    return [problem.text() for problem in caught.value.problems]


def test_the_local_environment():
    settings = load(PROJECT, "conf/local.yaml")
    assert settings.lake == "./lake"
    assert settings.roots == ["./lake", "./data"]
    assert settings.tables["raw.transactions"].path == "./lake/raw/transactions"
    assert settings.tables["raw.products"].format == "delta"
    assert settings.spark.master == "local[*]"
    assert settings.project == PROJECT
    assert resolve_path(settings, settings.lake) == str(PROJECT / "lake")


def test_the_cluster_environment_needs_no_secret_to_load():
    settings = load(PROJECT, "conf/cluster.yaml")
    assert settings.spark.master is None
    assert settings.spark.conf["spark.dynamicAllocation.enabled"] == "true"
    assert settings.spark.conf["spark.hadoop.fs.s3a.secret.key"] == "${env:S3_SECRET_KEY}"
    assert settings.tables["raw.products"].catalog == "main.retail.products"
    assert settings.tables["raw.campaign_targets"].options == {"header": "true", "delimiter": ";"}
    assert resolve_path(settings, "s3a://example-raw/retail/x") == "s3a://example-raw/retail/x"


@pytest.mark.parametrize("conf", ["local", "cluster"])
def test_the_shipped_environments_map_every_table_of_the_definitions(conf):
    named = {table for file in PROJECT.glob("feature_defs/*.yaml") for table in NAMED_TABLE.findall(file.read_text())}
    assert set(load(PROJECT, f"conf/{conf}.yaml").tables) == named


def test_the_environments_in_the_documentation_load(project):
    found = [text for page in PROJECT.glob("docs/*.md") for text in IN_DOCS.findall(page.read_text())]
    assert found
    for text in found:
        assert loaded(project, text).tables


def test_defaults(project):
    settings = loaded(project, MINIMAL)
    assert (settings.tables, settings.roots, settings.catalog, settings.schema_) == ({}, [], None, None)
    assert (settings.spark.master, settings.spark.remote, settings.spark.conf) == (None, None, {})
    assert resolve_path(settings, "lake/a") == f"{project}/lake/a"


def test_a_catalog_instead_of_a_lake(project):
    settings = loaded(project, "catalog: main\nschema: features\n")
    assert (settings.lake, settings.catalog, settings.schema_) == ("", "main", "features")


def test_scalars_are_read_by_their_declared_type(project):
    settings = loaded(project, MINIMAL + "spark: {conf: {spark.a: 8, spark.b: on, spark.c: 010, spark.d: 10:30}}\n")
    assert settings.spark.conf == {"spark.a": "8", "spark.b": "on", "spark.c": "010", "spark.d": "10:30"}


def test_settings_do_not_change(project):
    settings = loaded(project, MINIMAL)
    with pytest.raises(ValueError, match="frozen"):
        settings.lake = "./other"


TABLE = "tables:\n  raw.x: "
SPARK = "spark:\n  conf:\n    "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # unknown keys
        ("lake: ./lake\nrots: [./lake]", "conf/x.yaml:2:1 error[unknown-field] 'rots' is not a setting here; did you mean 'roots'?"),
        ("lake: ./lake\nspark: {mastr: x}", "conf/x.yaml:2:9 error[unknown-field] spark: 'mastr' is not a setting here; did you mean 'master'?"),
        (MINIMAL + TABLE + "{path: ./lake/x, fromat: csv}", "conf/x.yaml:3:27 error[unknown-field] tables.raw.x: 'fromat' is not a setting here; did you mean 'format'?"),
        (MINIMAL + "retention: 12h", "conf/x.yaml:2:12 error[invalid-value] retention: must be a number of days, as in 90d"),
        (MINIMAL + "zzz: 1", "conf/x.yaml:2:1 error[unknown-field] 'zzz' is not a setting here; known: lake, catalog, schema, roots, tables, spark"),
        (MINIMAL + "project: /", "conf/x.yaml:2:1 error[unknown-field] 'project' is not a setting here; known: lake"),
        (MINIMAL + "schema_: x", "conf/x.yaml:2:1 error[unknown-field] 'schema_' is not a setting here; did you mean 'schema'?"),
        (MINIMAL + "lake: ./other", "conf/x.yaml:2:1 error[duplicate-key]"),
        # values
        (MINIMAL + "roots: ./lake", "conf/x.yaml:2:8 error[invalid-value] roots: must be a list"),
        (MINIMAL + "tables: [a]", "conf/x.yaml:2:9 error[invalid-value] tables: must be a mapping"),
        (MINIMAL + "spark: local", "conf/x.yaml:2:8 error[invalid-value] spark: must be a mapping"),
        (MINIMAL + SPARK + "spark.x:", "conf/x.yaml:4:13 error[invalid-value] spark.conf.spark.x: must be text"),
        (MINIMAL + SPARK + "spark.x: [1]", "conf/x.yaml:4:14 error[invalid-value] spark.conf.spark.x: must be text"),
        (MINIMAL + SPARK + "fs.s3a.endpoint: x", "conf/x.yaml:4:5 error[invalid-value] spark.conf: 'fs.s3a.endpoint' is not a Spark setting: Spark ignores names that do not begin with spark.; for Hadoop's own settings write spark.hadoop.fs.s3a.endpoint"),
        (MINIMAL + "spark: {master: a, remote: sc://b}", "conf/x.yaml:2:8 error[invalid-value] spark: give either a master or a remote"),
        (MINIMAL + "spark: {remote: b}", "conf/x.yaml:2:17 error[invalid-value] spark.remote: must begin with sc://"),
        (MINIMAL + TABLE + "{}", "conf/x.yaml:3:10 error[invalid-value] tables.raw.x: give either a path or a catalog name"),
        (MINIMAL + TABLE + "{path: a, catalog: b}", "conf/x.yaml:3:10 error[invalid-value] tables.raw.x: give either a path or a catalog name"),
        (MINIMAL + TABLE + "{path: ''}", "conf/x.yaml:3:17 error[invalid-value] tables.raw.x.path: is empty"),
        (MINIMAL + TABLE + "{path: a, format: parqet}", "conf/x.yaml:3:28 error[invalid-value] tables.raw.x.format: must be 'delta', 'parquet' or 'csv'; did you mean 'parquet'?"),
        (MINIMAL + TABLE + "{catalog: a, format: csv}", "error[invalid-value] tables.raw.x: a catalog table knows its own format: remove `format`"),
        (MINIMAL + TABLE + "{path: a, options: {header: true}}", "error[invalid-value] tables.raw.x: `options` are for csv only"),
        (MINIMAL + TABLE + "{path: a, format: csv, options: {hedaer: true}}", "csv has no option 'hedaer' here: use header, delimiter"),
        (MINIMAL + TABLE + "{path: a, format: csv, options: {header: 1}}", "the csv option `header` is true or false"),
        ("roots: [./lake]", "conf/x.yaml:1:1 error[invalid-value] give either a lake or a catalog with a schema"),
        ("lake: ./lake\ncatalog: main", "conf/x.yaml:1:1 error[invalid-value] give either a lake or a catalog with a schema"),
        ("catalog: main", "conf/x.yaml:1:1 error[invalid-value] give either a lake or a catalog with a schema"),
        # paths
        ("lake: ./lake\nroots: [./data]", "conf/x.yaml:1:7 error[invalid-path] lake: path './lake' is outside the declared roots ('./data'); add its place to `roots`"),
        (MINIMAL + TABLE + "{path: ../x}", "conf/x.yaml:3:17 error[invalid-path] tables.raw.x.path: path '../x' is outside the declared roots ('./lake')"),
        (MINIMAL + "roots: [./lake, s3a://key:secret@bucket]", "conf/x.yaml:2:17 error[invalid-path] roots.1: path 's3a://***@bucket' holds a password; give credentials in spark.conf: ${env:NAME}"),
        # secrets
        (MINIMAL + SPARK + "spark.hadoop.fs.s3a.secret.key: hunter2", "conf/x.yaml:4:37 error[plain-secret] spark.conf.spark.hadoop.fs.s3a.secret.key: a secret is a reference, never a value; write ${env:NAME} and set that variable"),
        (MINIMAL + SPARK + "spark.x: ${env:a-b}", "conf/x.yaml:4:14 error[secret-reference] spark.conf.spark.x: a secret reference is written ${env:NAME}"),
        (MINIMAL + "spark: {remote: sc://h:1/;token=hunter2}", "conf/x.yaml:2:17 error[plain-secret] spark.remote: a secret is a reference"),
        # files
        ("", "conf/x.yaml error[invalid-value] is empty"),
        ("lake: a\n---\nlake: b", "conf/x.yaml error[invalid-value] holds several documents, not one"),
        ("- lake", "conf/x.yaml:1:1 error[not-a-mapping]"),
        ("lake: {", "conf/x.yaml:2:1 error[yaml-syntax]"),
    ],
)  # fmt: skip
def test_complaints(project, text, expected):
    (found,) = complaints(project, text)
    assert expected in found
    assert "\n" not in found
    assert "hunter2" not in found


def test_all_complaints_at_once(project):
    text = "lake: ./lake\nrots: []\nspark: {mastr: x, conf: {spark.x: [1]}}\ntables: {a: {}}\n"
    assert [line.split()[0] for line in complaints(project, text)] == [
        "conf/x.yaml:4:13",
        "conf/x.yaml:3:35",
        "conf/x.yaml:3:9",
        "conf/x.yaml:2:1",
    ]


def test_no_file(project):
    with pytest.raises(DefinitionError, match=r"conf/nope.yaml error\[unreadable-file\] does not exist"):
        load(project, "conf/nope.yaml")


def test_the_environment_goes_over_the_file(project, monkeypatch):
    monkeypatch.setenv("HEADRACE_LAKE", "./elsewhere")
    monkeypatch.setenv("HEADRACE_ROOTS", '["./elsewhere", "./data"]')
    monkeypatch.setenv("HEADRACE_SPARK__MASTER", "local[3]")
    monkeypatch.setenv("HEADRACE_SPARK__CONF", '{"spark.b": 3, "spark.c": true}')
    monkeypatch.setenv("HEADRACE_TABLES", '{"raw.y": {"path": "./data/y", "format": "csv"}}')
    settings = loaded(
        project,
        """\
        lake: ./lake
        roots: [./lake]
        tables: {raw.x: {path: ./data/x}}
        spark: {master: "local[1]", conf: {spark.a: 1, spark.b: 2}}
        """,
    )
    assert settings.lake == "./elsewhere"
    assert settings.roots == ["./elsewhere", "./data"]
    assert {name: table.path for name, table in settings.tables.items()} == {
        "raw.x": "./data/x",
        "raw.y": "./data/y",
    }
    assert settings.spark.master == "local[3]"
    assert settings.spark.conf == {"spark.a": "1", "spark.b": "3", "spark.c": "true"}


KEYED = """\
lake: ./lake
roots: [./lake, ./data]
tables: {raw.Sales: {path: ./data/x, format: csv, options: {delimiter: ;}}, raw.y: {path: ./data/y}}
spark: {conf: {spark.databricks.delta.snapshotPartitions: 2, spark.a: 1}}
"""


@pytest.mark.parametrize("spell", [str, str.upper], ids=["as the file has it", "upper case"])
def test_variables_of_one_entry_have_no_case(project, monkeypatch, spell):
    for name, value in {
        "raw.Sales__PATH": "./data/z",
        "raw.Sales__OPTIONS__delimiter": "|",
        "raw.y__FORMAT": "parquet",
    }.items():
        monkeypatch.setenv(spell(f"HEADRACE_TABLES__{name}"), value)
    monkeypatch.setenv(spell("HEADRACE_SPARK__CONF__spark.databricks.delta.snapshotPartitions"), "7")
    settings = loaded(project, KEYED)
    assert {name: (of.path, of.format, of.options) for name, of in settings.tables.items()} == {
        "raw.Sales": ("./data/z", "csv", {"delimiter": "|"}),
        "raw.y": ("./data/y", "parquet", {}),
    }
    assert settings.spark.conf == {"spark.databricks.delta.snapshotPartitions": "7", "spark.a": "1"}


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (
            "HEADRACE_TABLES__raw.Sale__PATH",
            (
                "there is no 'raw.sale' in tables of the file; did you mean 'raw.Sales'? "
                "what is not in the file is said as JSON in HEADRACE_TABLES"
            ),
        ),
        (
            "HEADRACE_SPARK__CONF__spark.sql.shuffle.partitions",
            (
                "there is no 'spark.sql.shuffle.partitions' in spark.conf of the file; what is not in the file is said as "
                "JSON in HEADRACE_SPARK__CONF"
            ),
        ),
    ],
)
def test_a_variable_of_no_entry(project, monkeypatch, variable, expected):
    monkeypatch.setenv(variable, "./data/z")
    assert complaints(project, KEYED) == [f"error[unknown-field] {variable}: {expected}"]


def test_the_environment_sets_the_catalog(project, monkeypatch):
    monkeypatch.setenv("HEADRACE_CATALOG", "main")
    monkeypatch.setenv("HEADRACE_SCHEMA", "features")
    monkeypatch.setenv("SCHEMA", "not ours")
    monkeypatch.setenv("LAKE", "not ours")
    assert loaded(project, "roots: []").schema_ == "features"


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("HEADRACE_LKAE", "x", "error[unknown-field] HEADRACE_LKAE: is not a variable Headrace knows; did you mean 'HEADRACE_LAKE'?"),
        ("HEADRACE_SPARK__MASTR", "x", "error[unknown-field] HEADRACE_SPARK__MASTR: 'mastr' is not a setting here; did you mean 'master'?"),
        ("HEADRACE_ROOTS", "./lake", 'error[invalid-value] HEADRACE_ROOTS: must be JSON; for example ["./lake"]'),
        ("HEADRACE_SPARK__CONF", "{hunter2", 'error[invalid-value] HEADRACE_SPARK__CONF: must be JSON; for example {"name": "value"}'),
        ("HEADRACE_SPARK__CONF", "5", "error[invalid-value] HEADRACE_SPARK__CONF: must be a mapping"),
        ("HEADRACE_TABLES", "[1]", "error[invalid-value] HEADRACE_TABLES: must be a mapping"),
        ("HEADRACE_TABLES", '{"a": {"path": "/etc"}}', "error[invalid-path] HEADRACE_TABLES: path '/etc' is outside the declared roots"),
        ("HEADRACE_LAKE", "/etc", "error[invalid-path] HEADRACE_LAKE: path '/etc' is outside the declared roots"),
        ("headrace_lake", "/etc", "error[invalid-path] headrace_lake: path '/etc' is outside the declared roots"),
        ("HEADRACE_SPARK__CONF", '{"spark.my.password": "hunter2"}', "error[plain-secret] HEADRACE_SPARK__CONF: a secret is a reference, never a value"),
        ("HEADRACE_SPARK__CONF", '{"spark.my.password": ["hunter2"]}', "error[invalid-value] HEADRACE_SPARK__CONF: must be text"),
    ],
)  # fmt: skip
def test_complaints_about_variables(project, monkeypatch, variable, value, expected):
    monkeypatch.setenv(variable, value)
    (found,) = complaints(project, "lake: ./lake\nroots: [./lake]\n")
    assert found.startswith(expected)
    assert "hunter2" not in found


def test_variables_of_the_command_line_are_not_settings(project, monkeypatch):
    monkeypatch.setenv("HEADRACE_PROJECT", "/somewhere")
    monkeypatch.setenv("HEADRACE_CONF", "conf/other.yaml")
    assert loaded(project, MINIMAL).project == project


def test_reveal(monkeypatch):
    monkeypatch.setenv("A_SECRET", "hunter2")
    monkeypatch.setenv("NESTED", "${env:A_SECRET}")
    assert reveal("plain") == "plain"
    assert reveal("a ${env:A_SECRET} b ${env:A_SECRET}") == "a hunter2 b hunter2"
    assert reveal("${env:NESTED}") == "${env:A_SECRET}"
    assert reveal("${other} $A_SECRET") == "${other} $A_SECRET"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pass ${env:NO_SUCH_VARIABLE}", "NO_SUCH_VARIABLE, which the configuration refers to, is not set"),
        ("pass ${env:}", "is written"),
        ("pass ${env:A B}", "is written"),
        ("pass ${env:A", "is written"),
    ],
)
def test_reveal_complains_without_the_text(text, message):
    with pytest.raises(UsageError) as caught:
        reveal(text)
    assert message in str(caught.value)
    assert "pass" not in str(caught.value)


def test_a_secret_is_never_shown(project, monkeypatch):
    monkeypatch.setenv("A_SECRET", "hunter2")
    settings = loaded(project, MINIMAL + "spark:\n  conf:\n    spark.my.password: ${env:A_SECRET}\n")
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "hunter2" not in shown
    assert "${env:A_SECRET}" in shown
    assert reveal(settings.spark.conf["spark.my.password"]) == "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "lake: [hunter2]",
        "lake: ./lake\nspark: {conf: [hunter2]}",
        "lake: ./lake\nspark: {conf: {spark.password: [hunter2]}}",
        "lake: ./lake\nspark: {conf: {spark.password: hunter2}}",
        "lake: ./lake\nspark: hunter2",
        "lake: s3a://me:hunter2@bucket/lake",
        "lake: ./lake\nspark: {conf: {spark.password: *hunter2}}",
        "lake: ./lake\nspark: {conf: {spark.password: !hunter2 x}}",
        "lake: ./lake\ntables: {a: {path: 's3a://bucket/x?X-Amz-Signature=hunter2'}}",
    ],
)
def test_no_traceback_shows_a_value(project, text):
    (project / "conf/x.yaml").write_text(text)
    with pytest.raises(DefinitionError) as caught:
        load(project, "conf/x.yaml")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("key", "value", "complains"),
    [
        ("spark.hadoop.fs.s3a.access.key", "AKIA", True),
        ("spark.hadoop.fs.s3a.secret.key", "x", True),
        ("spark.hadoop.fs.azure.account.key.me.dfs.core.windows.net", "x", True),
        ("spark.hadoop.fs.azure.account.oauth2.client.secret", "x", True),
        ("spark.ssl.keyPassword", "x", True),
        ("spark.databricks.token", "x", True),
        ("spark.hadoop.fs.gs.auth.service.account.private.key", "x", True),
        ("spark.hadoop.dfs.adls.oauth2.credential", "x", True),
        ("spark.hadoop.fs.azure.sas.box.me.blob.core.windows.net", "x", True),
        ("spark.hadoop.fs.s3a.encryption.key", "x", True),
        ("spark.io.encryption.keySizeBits", "256", False),
        ("spark.io.encryption.keygen.algorithm", "HmacSHA1", False),
        ("spark.hadoop.fs.s3a.secret.key", "${env:X}", False),
        ("spark.kubernetes.authenticate.oauthTokenFile", "/run/token", False),
        ("spark.hadoop.fs.s3a.aws.credentials.provider", "x.y.Z", False),
        ("spark.sql.shuffle.partitions", "8", False),
    ],
)
def test_what_looks_like_a_plain_secret(project, key, value, complains):
    text = f"{MINIMAL}spark:\n  conf:\n    {key}: {value}\n"
    if complains:
        assert "error[plain-secret]" in complaints(project, text)[0]
    else:
        assert loaded(project, text).spark.conf == {key: value}


@pytest.fixture
def places(tmp_path: Path) -> Settings:
    """A project with roots of each kind, and symbolic links out of them and into them."""
    project = (tmp_path / "project").resolve()
    (project / "lake/raw").mkdir(parents=True)
    (project / "lakeside").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (project / "lake/out").symlink_to(tmp_path / "elsewhere")
    (project / "lake/etc").symlink_to("/etc")
    (project / "lake/up").symlink_to("..")
    (project / "lake/loop").symlink_to(project / "lake/loop")
    (project / "shortcut").symlink_to(project / "lake/raw")
    (tmp_path / "mounted").mkdir()
    (project / "data").symlink_to(tmp_path / "mounted")
    roots = [
        "./lake",
        "./data",
        f"file://{tmp_path}/by-uri",
        "s3a://bucket",
        "s3a://other/part",
        "abfss://box@account.dfs.core.windows.net/lake",
        "dbfs:/mnt/lake",
    ]
    return Settings(lake="./lake", roots=roots, project=project)


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("lake", "{project}/lake"),
        ("./lake/raw/", "{project}/lake/raw"),
        ("lake/raw/not/yet/there", "{project}/lake/raw/not/yet/there"),
        ("lake/../lake/raw", "{project}/lake/raw"),
        ("lake/up/lake/raw", "{project}/lake/raw"),
        ("shortcut/x", "{project}/lake/raw/x"),
        ("data/x", "{project}/../mounted/x"),
        ("{project}/lake/x", "{project}/lake/x"),
        ("file://{project}/lake/x", "{project}/lake/x"),
        ("file:{project}/lake/x", "{project}/lake/x"),
        ("FILE://localhost{project}/lake/x", "{project}/lake/x"),
        ("{project}/../by-uri/x", "{project}/../by-uri/x"),
        ("lake/a b", "{project}/lake/a b"),
        ("s3a://bucket", "s3a://bucket"),
        ("s3a://bucket/", "s3a://bucket"),
        ("S3A://bucket//x/./y/", "s3a://bucket/x/y"),
        ("s3a://other/part/x", "s3a://other/part/x"),
        (
            "abfss://box@account.dfs.core.windows.net/lake/x",
            "abfss://box@account.dfs.core.windows.net/lake/x",
        ),
        ("dbfs:/mnt/lake/x", "dbfs:/mnt/lake/x"),
    ],
)
def test_paths_inside_the_roots(places, text, resolved):
    expected = resolved.format(project=places.project)
    if expected.startswith("/"):
        expected = os.path.realpath(expected)
    assert resolve_path(places, text.format(project=places.project)) == expected


@pytest.mark.parametrize(
    "text",
    [
        ".",
        "..",
        "/",
        "/etc/passwd",
        "lakeside",
        "lake/..",
        "lake/../..",
        "lake/raw/../../../../../../etc",
        "lake/out/x",
        "lake/etc/passwd",
        "lake/up",
        "lake/up/lakeside",
        " /etc",
        "//etc",
        "file:///etc",
        "file:/etc",
        "file://localhost/etc",
        "file://{project}/lake/../../../etc",
        "s3a://bucket/../",
        "s3a://bucket/../other",
        "s3a://other/part/../x",
        "s3a://other/part/%2e%2e/x",
        "s3a://other/part/%2E%2E%2Fx",
        "s3a://other/part/%252e%252e/x",
        "s3a://other/partial",
        "s3a://other",
        "s3a://bucket.evil/x",
        "s3a://bucket@evil/x",
        "s3://bucket/x",
        "http://bucket/x",
        "abfss://other@account.dfs.core.windows.net/lake",
        "dbfs:/mnt/other",
        "C:/lake",
        "hdfs:///lake",
        "lake" + "/x" * 3000 + "/../" * 3002 + "etc",
        "/" + "x" * 10_000,
    ],
)
def test_paths_outside_the_roots(places, text):
    with pytest.raises(UsageError, match="outside the declared roots") as caught:
        resolve_path(places, text.format(project=places.project))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a path is empty"),
        ("  ", "a path is empty"),
        ("lake/a\0b", "holds a control character"),
        ("lake/a\nb", "holds a control character"),
        ("lake/\ud800", "holds a control character"),
        ("~/lake", "begins with '~', which is not expanded"),
        ("~root/lake", "begins with '~', which is not expanded"),
        ("lake/*", "must name one place"),
        ("lake/{x,../../etc}", "must name one place"),
        ("lake/[.][.]/x", "must name one place"),
        ("lake/\\.\\./x", "must name one place"),
        ("s3a://bucket/x?versionId=1", "must name one place"),
        ("s3a://bucket/x#y", "is not a URI"),
        ("s3a:bucket/x", "is not a URI"),
        ("s3a://bucket\u2100/x", "is not a URI"),
        ("file:lake", "is not a URI"),
        ("file://host/lake", "names a file on another machine"),
        ("s3a://me:hunter2@bucket/x", "'s3a://***@bucket/x' holds a password"),
    ],
)
def test_paths_that_name_no_place(places, text, message):
    with pytest.raises(UsageError) as caught:
        resolve_path(places, text)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_link_that_leads_to_itself_resolves_to_nothing_outside(places):
    assert resolve_path(places, "lake/loop").startswith(f"{places.project}/lake")


def test_without_roots_and_lake_no_path_resolves(tmp_path):
    settings = Settings(catalog="main", schema="features", project=tmp_path)
    with pytest.raises(UsageError, match=r"outside the declared roots \(none\)"):
        resolve_path(settings, "x")
