"""The shape of a configuration file. Paths, secrets and what spans several fields are checked on loading."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

CSV_OPTIONS = ("header", "delimiter", "quote", "escape", "nullValue", "encoding")


def _as_text(value: object) -> object:
    """Numbers and booleans, which JSON in a variable may hold, as Spark would have them written."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text)]


# A part of a catalog name. Neither `/` nor `:`: Spark would take delta.`/etc` for a path, outside all roots.
_PART = r"(?:[^`./\\:\s\x00-\x1f\x7f;'\"()]+|`(?:[^`/\\:\x00-\x1f\x7f]|``)+`)"
_CATALOG_NAME = re.compile(rf"(?:(?P<first>{_PART})\.)?{_PART}(?:\.{_PART})?")
_FILE_FORMATS = ("delta", "parquet", "csv", "json", "orc", "text", "avro", "xml", "binaryfile", "iceberg", "hudi")


def _catalog_name(value: str) -> str:
    """A name of one to three parts that can only be a table of a catalog."""
    found = _CATALOG_NAME.fullmatch(value)
    if found is None:
        raise ValueError("a catalog table has a name of one to three parts, as in main.risk.chargebacks")
    if (found["first"] or "").strip("`").lower() in _FILE_FORMATS:
        raise ValueError("a catalog table cannot be a path: use `path` and `format`")
    return value


CatalogName = Annotated[str, AfterValidator(_catalog_name)]


class TableLocation(BaseModel):
    """Where a logical table is: at a path, or in a catalog.

    Attributes:
        path: Directory or URI under a declared root.
        catalog: Full name of a catalog table.
        format: What lies at the path.
        options: How to read CSV: a subset of `CSV_OPTIONS`; values may refer to secrets.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(default=None, min_length=1)
    catalog: CatalogName | None = Field(default=None, min_length=1)
    format: Literal["delta", "parquet", "csv"] = "delta"
    options: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.path is None) == (self.catalog is None):
            raise ValueError("give either a path or a catalog name")
        if self.catalog is not None and "format" in self.model_fields_set:
            raise ValueError("a catalog table knows its own format: remove `format`")
        if self.options and self.format != "csv":
            raise ValueError("`options` are for csv only")
        for name in self.options:
            if name not in CSV_OPTIONS:
                raise ValueError(f"csv has no option '{name}' here: use {', '.join(CSV_OPTIONS)}")
        if self.options.get("header", "true") not in ("true", "false"):
            raise ValueError("the csv option `header` is true or false")
        return self


class SparkSettings(BaseModel):
    """Which Spark to use.

    Attributes:
        master: `local[*]`, `spark://…`, `yarn`, `k8s://…`; None leaves it to spark-submit.
        remote: `sc://host:15002` of a Spark Connect server.
        conf: Spark's own settings; values may refer to secrets.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    master: str | None = Field(default=None, min_length=1)
    remote: str | None = Field(default=None, pattern="^sc://")
    conf: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.master is not None and self.remote is not None:
            raise ValueError("give either a master or a remote")
        return self


class Settings(BaseSettings):
    """One environment.

    Attributes:
        lake: Directory or URI that holds all tables Headrace writes; empty when they are in a catalog.
        catalog: The catalog that holds them instead, with `schema_`.
        schema_: The schema of `catalog`; `schema` in the file.
        roots: The only places where paths may resolve; the lake alone when not given.
        tables: Locations by logical name.
        spark: Which Spark to use.
        retention: How long replaced rows of features and training sets can still be read, in days, as in `400d`.
        project: The directory that relative paths start from; set by `load`.
    """

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="HEADRACE_",
        env_prefix_target="all",
        env_nested_delimiter="__",
    )

    lake: str = ""
    catalog: CatalogName | None = Field(default=None, min_length=1)
    schema_: CatalogName | None = Field(default=None, alias="schema", min_length=1)
    roots: list[str] = Field(default_factory=list)
    tables: dict[str, TableLocation] = Field(default_factory=dict)
    spark: SparkSettings = Field(default_factory=SparkSettings)
    retention: str = Field(default="90d", pattern=r"^[1-9]\d{0,4}d$")
    project: Path = Path()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = (self.catalog is not None, self.schema_ is not None)
        if bool(self.lake) == any(named) or named in ((True, False), (False, True)):
            raise ValueError("give either a lake or a catalog with a schema")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing behind the caller's back: `load` lays the environment over the file itself."""
        return (init_settings,)
