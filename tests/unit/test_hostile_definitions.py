"""Hostile definitions, configurations and command lines: each is one clear line with its place, or harmless text."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.cli.app import run
from headrace.errors import DefinitionError, Problem, legible
from headrace.registry.linting import lint
from headrace.settings import load
from tests.unit.hostile import ATTEMPTS, DEFINITIONS
from tests.unit.lint_case import GROUP


def errors(project: Path, text: str) -> list[Problem]:
    (project / "feature_defs").mkdir(exist_ok=True)
    (project / "feature_defs" / "shop.yaml").write_text(text)
    return [problem for problem in lint(project).problems if problem.severity == "error"]


def test_the_definitions_are_sound_and_the_attempts_many(tmp_path: Path) -> None:
    assert errors(tmp_path, DEFINITIONS) == []
    assert len({(old, new) for old, new, _ in ATTEMPTS}) == len(ATTEMPTS) > 100


@pytest.mark.parametrize(("old", "new", "code"), ATTEMPTS, ids=lambda text: ascii(text)[:60])
def test_each_attempt_is_refused_or_harmless(tmp_path: Path, old: str, new: str, code: str | None) -> None:
    assert old in DEFINITIONS
    began = time.perf_counter()
    found = errors(tmp_path, DEFINITIONS.replace(old, new, 1))
    assert time.perf_counter() - began < 60  # each took far longer once
    assert [problem.code for problem in found if problem.code == code] or (code is None and not found)
    for problem in found:
        line = problem.text()
        assert line.startswith(f"feature_defs/shop.yaml:{problem.line}:{problem.column} error[")
        assert line.isprintable()
        assert len(line) < 2_000


def test_thousands_of_wrong_names_among_thousands_of_columns(tmp_path: Path) -> None:
    columns = ", ".join(f"column_number_{n}: double" for n in range(15_000))
    features = "".join(f"  f{n}: {{aggregate: sum, of: colum_numbr_{n}}}\n" for n in range(2_000))
    source = "kind: source\nname: orders\ntable: raw.orders\nevent_time: at\n"
    began = time.perf_counter()
    found = errors(tmp_path, f"{source}columns: {{at: timestamp, {columns}}}\n---\n{GROUP}{features}")
    assert time.perf_counter() - began < 120  # 3 s on a quiet machine; it was an hour
    assert sum(problem.code == "unknown-column" for problem in found) == 2_000


SECRET = "hunter2"
CONF = "lake: ./lake\nroots: [./lake, ./data]\n"


@pytest.fixture
def conf(tmp_path: Path) -> Callable[[str], list[Problem]]:
    """Loads a configuration and gives its problems."""
    for folder in ("conf", "lake", "data"):
        (tmp_path / folder).mkdir()

    def problems(text: str) -> list[Problem]:
        (tmp_path / "conf" / "local.yaml").write_text(text)
        try:
            load(tmp_path, "conf/local.yaml")
        except DefinitionError as error:
            return list(error.problems)
        return []

    return problems


@pytest.mark.parametrize(
    "name",
    [
        "delta./etc",
        "delta.`/etc`",
        "`delta`.`/etc`",
        "parquet.`/etc/x.parquet`",
        "csv.`file:///etc/passwd`",
        "text.passwd",
        "JSON.x",
        "binaryFile.x",
        "`csv`.x",
        "x`; DROP TABLE y; --",
        "`x` WHERE reflect('a', 'b')",
        "x y",
        "x;y",
        "x--y'",
        "a.b.c.d",
        "a..b",
        ".a",
        "a.",
        "``",
        "`a",
        "../a",
        "s3a://bucket/x",
        "a\\\\b",
        "x\\0",
        "x\\ny",
        "range(10)",
        "(select 1)",
    ],
)
def test_a_catalog_name_is_never_a_path_nor_sql(conf: Callable[[str], list[Problem]], name: str) -> None:
    for text in (f'{CONF}tables: {{a: {{catalog: "{name}"}}}}\n', f'catalog: "{name}"\nschema: s\n'):
        if text.startswith("catalog") and name.split(".")[-1] == "x" and "." in name:
            continue
        (problem,) = conf(text)
        assert (problem.code, problem.file, problem.text().isprintable()) == ("invalid-value", "conf/local.yaml", True)
        assert problem.line is not None


@pytest.mark.parametrize("name", ["t", "risk.t", "main.risk.t", "`odd name`.t", "main.`it``s`.t", "größe.t", "a-b.t"])
def test_a_catalog_name_may_be_odd(conf: Callable[[str], list[Problem]], name: str) -> None:
    assert conf(f'{CONF}tables: {{a: {{catalog: "{name}"}}}}\n') == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("{multiLine: 'true'}", "csv has no option 'multiLine'"),
        ("{path: /etc/passwd}", "csv has no option 'path'"),
        ("{schema: x}", "csv has no option 'schema'"),
        ("{columnNameOfCorruptRecord: x}", "csv has no option"),
        ("{mode: PERMISSIVE}", "csv has no option 'mode'"),
        ("{header: maybe}", "`header` is true or false"),
        ("{delimiter: '${env:A B}'}", "a secret reference is written"),
        ("{nullValue: '${env:}'}", "a secret reference is written"),
        ("{quote: [x]}", "must be text"),
        ('{"head\\ner": x}', "csv has no option 'head\\ner'"),
    ],
)
def test_csv_options(conf: Callable[[str], list[Problem]], options: str, said: str) -> None:
    (problem,) = conf(f"{CONF}tables: {{a: {{path: ./data/a.csv, format: csv, options: {options}}}}}\n")
    assert said in problem.message
    assert problem.text().isprintable()
    assert problem.line == 3


@pytest.mark.parametrize(
    "path",
    [
        "./data/..%2f..%2fetc",
        "./data/../../etc",
        "file:///etc/passwd",
        "FILE:/etc/passwd",
        "file:///proc/self/environ",
        "s3a://bucket/..;/x",
        "hdfs://host/x",
        "http://169.254.169.254/latest/meta-data",
        "jar:file:///etc/x.jar!/y",
        "./data/link",
        "./data/link/deeper",
        "/proc/self/root/etc",
        "\\u002e\\u002e/etc",
        "./data\\0/../../etc",
        "/dev/fd/0",
    ],
)
def test_a_path_outside_the_roots_is_refused(conf: Callable[[str], list[Problem]], tmp_path: Path, path: str) -> None:
    (tmp_path / "data" / "link").symlink_to("/etc")
    found = conf(f'{CONF}tables: {{a: {{path: "{path}"}}}}\n')
    if path == "./data/..%2f..%2fetc":  # no URI: a folder of that odd name, and nothing decodes it
        assert found == []
        return
    (problem,) = found
    assert (problem.code, problem.line, problem.text().isprintable()) == ("invalid-path", 3, True)


@pytest.mark.parametrize(
    "line",
    [
        f"spark: {{conf: {{spark.my.password: {SECRET}}}}}",
        f"spark: {{conf: {{spark.my.password: {SECRET}, x: 1}}}}",
        f"spark: {{conf: {{spark.my.password: [{SECRET}]}}}}",
        f"spark: {{remote: 'sc://host;token={SECRET}'}}",
        f"pasword: {SECRET}",
        f"spark: {{conf: {{spark.my.password: '{SECRET}}}}}",
        f'spark: {{conf: {{spark.my.password: "\\q{SECRET}"}}}}',
        f"tables: {{a: {{path: 's3a://me:{SECRET}@bucket/x'}}}}",
        f"tables: {{a: {{path: ./data/a, format: csv, options: {{nullValue: '${{env:{SECRET}', x: y}}}}}}}}",
        f"lake: ./lake # {SECRET}",
        f"x: !secret {SECRET}",
    ],
)
def test_no_line_of_a_configuration_is_ever_shown(
    conf: Callable[[str], list[Problem]], tmp_path: Path, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    assert conf(f"{CONF}{line}\n")
    (tmp_path / "feature_defs").mkdir()
    for command in (["materialize", "--group", "g", "--interval", "2024-01-01"], ["import", "a"], ["status"]):
        assert run(["--project", str(tmp_path), *command]) == 2
    shown = capfd.readouterr()
    assert SECRET not in shown.out + shown.err
    assert "conf/local.yaml:" in shown.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HEADRACE_TABLES", "[" * 60_000),
        ("HEADRACE_TABLES", '{"a":' * 5_000 + "1" + "}" * 5_000),
        ("HEADRACE_SPARK__CONF", '{"spark.x": NaN'),
        ("HEADRACE_TABLES", '{"a": {"catalog": "delta.`/etc`"}}'),
        ("HEADRACE_TABLES", '{"a": {"path": "./data/../../etc"}}'),
        ("HEADRACE_LAKE", "file:///etc"),
        ("HEADRACE_LAKE\x1b", "x"),
        ("HEADRACE_X\ny", "x"),
        ("HEADRACE_SPARK__" + "A__" * 500, "x"),
        ("HEADRACE_ROOTS", '["/etc\\u0000"]'),
    ],
)
def test_hostile_variables(
    conf: Callable[[str], list[Problem]], monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    found = conf(CONF)
    assert found
    assert all(
        p.text().isprintable() and len(p.text()) < 2_000 and (p.where or "").startswith(("HEADRACE", "a variable"))
        for p in found
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--conf", "../../../../etc/passwd", "status"], 2),
        (["--conf", "/dev/zero", "status"], 2),
        (["--conf", "conf/\x1b[2J.yaml", "status"], 2),
        (["--project", "/nowhere\n\x1b[2J", "lint"], 2),
        (["materialize", "--group", "x'; --\x1b[31m", "--interval", "2024-01-01"], 2),
        (["materialize", "--group", "spend", "--interval", "2024-01-01' or 1=1\n\x07"], 2),
        (["preview", "spend", "--at", "\uff12024-01-01"], 2),
        (["preview", "spend", "--at", "0001-01-01T00:00:00+18:00"], 2),
        (["preview", "spend", "--at", "2024-01-01", "--key", "\x1b[31m"], 2),
        (["lint", "\x1b]0;x\x07"], 2),
    ],
)
def test_a_command_line_cannot_steer_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    assert errors(tmp_path, DEFINITIONS) == []
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "local.yaml").write_text(CONF)
    assert run(["--project", str(tmp_path), *words]) == code
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "error" in shown.err
    assert all(line.isprintable() for line in shown.err.splitlines())
    assert "Traceback" not in shown.err


def test_legible() -> None:
    assert legible("naïve × 漢") == "naïve × 漢"
    assert legible("a\x1b[2J\u202eb\n") == "a\\x1b[2J\\u202eb\\n"
    assert legible("a\n\tb", keep="\n") == "a\n\\tb"
