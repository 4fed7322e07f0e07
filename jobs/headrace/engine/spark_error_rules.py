"""What Spark and Delta say when something fails, and what that means to a person, as one table of rules."""

import re
from dataclasses import dataclass

from headrace.errors import (
    AccessError,
    ConflictError,
    DataError,
    GoneError,
    HeadraceError,
    InfrastructureError,
    UsageError,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to fail.

    Attributes:
        sign: Found in the exception's text, stack and shown SQL left out, when this rule is the one.
        error: What it is to us.
        message: One line; `{name}` is the sign's group of that name, `{fragment}` what failed and where it stands:
            the sign's group `quoted`, or what Spark underlines.
        hint: What to do about it.
    """

    sign: re.Pattern[str]
    error: type[HeadraceError]
    message: str
    hint: str | None = None


def _rule(sign: str, error: type[HeadraceError], message: str, hint: str | None = None) -> Rule:
    return Rule(re.compile(sign), error, message, hint)


# `[\s\S]*?` lets a sign and its details lie on different lines: causes follow what they caused.
_FILE = r"reading file (?P<path>.+?)\.(?= File does not| Could not read| Data type|  SQLSTATE| SQLSTATE|\s*$)"

# The first rule that matches wins. Values that fail come first: nothing hides below them, and Spark quotes the value,
# which may be any words. Then come causes that do hide below others: memory, disk, permissions.
RULES: tuple[Rule, ...] = (
    _rule(
        rf"(?!.*/_delta_log/){_FILE}[\s\S]*?MALFORMED_RECORD_IN_PARSING[\s\S]*?record parsing: (?P<row>.+?)\.?\n"
        r"(?:[\s\S]*?Caused by: \S+(?:Exception)?: (?:\[\w+\] )?(?P<why>.+))?",
        DataError,
        "{path}: a row does not fit the declared columns: {row} {why}",
    ),
    _rule(
        r"CAST_INVALID_INPUT\] The value (?P<value>[\s\S]+?) of the type \"(?P<found>.+?)\" cannot be cast to "
        r"\"(?P<wanted>.+?)\"",
        DataError,
        "the {found} {value} is not a valid {wanted}{fragment}",
    ),
    _rule(r"DIVIDE_BY_ZERO\]", DataError, "division by zero{fragment}", "nullif(x, 0) makes it null"),
    _rule(
        r"(?:ARITHMETIC_OVERFLOW|CAST_OVERFLOW\w*|NUMERIC_VALUE_OUT_OF_RANGE\S*|DATETIME_OVERFLOW|CANNOT_PARSE_TIMESTAMP"
        r"|CANNOT_PARSE_DATE|INVALID_ARRAY_INDEX\w*|DUPLICATED_MAP_KEY|NULL_MAP_KEY|DELTA_NOT_NULL_CONSTRAINT_VIOLATED"
        r"|BINARY_ARITHMETIC_OVERFLOW|COLLECTION_SIZE_LIMIT_EXCEEDED\S*)\] (?P<what>.+?\.)(?= |$)",
        DataError,
        "{what}{fragment}",
    ),
    _rule(
        r"OutOfMemoryError|OUT_OF_MEMORY|UNABLE_TO_ACQUIRE_MEMORY|exceeding (?:physical )?memory limits"
        r"|exit code 137",
        InfrastructureError,
        "Spark ran out of memory",
        "raise spark.driver.memory (local Spark) or spark.executor.memory under spark.conf",
    ),
    _rule(
        r"^Py4JNetworkError|^Connection\w*Error|Answer from Java side is empty"
        r"|Error while (?:sending|receiving)",
        InfrastructureError,
        "Spark's JVM has stopped",
        "see its log; the machine may have run out of memory",
    ),
    _rule(
        r"RuntimeError: (?P<said>numba is not installed here); (?P<todo>[^\n]+)",
        UsageError,
        "{said}, where Spark's executors are",
        "set HEADRACE_KERNEL=numpy, or install it on every executor",
    ),
    _rule(
        r"ArrowCapacityError|ArrowInvalid: (?:offset overflow|Take operation overflowed)|MemoryError",
        InfrastructureError,
        "the rows of a bucket have more than 2 GiB of text in one column",
        "leave long text out of the spine and out of `of`, and join it by key afterwards",
    ),
    _rule(
        r"No space left on device|Disk quota exceeded",
        InfrastructureError,
        "the disk is full",
        "free space, or point spark.local.dir and the lake somewhere else",
    ),
    _rule(
        r"Read-only file system|(?P<path>/\S*)?:? ?\(?Permission denied|AccessControlException|AccessDenied"
        r"|INSUFFICIENT_PERMISSIONS|Status Code: 403",
        AccessError,
        "permission denied {path}",
        "check who may read and write there",
    ),
    _rule(
        r"DELTA_CANNOT_CREATE_LOG_PATH\] Cannot create (?P<path>.+?)/_delta_log"
        r"|Mkdirs failed to create (?P<made>\S+)|[Pp]arent path is not a directory: (?P<parent>\S+)"
        r"|(?P<file>\S+) ?\(Not a directory\)",
        InfrastructureError,
        "cannot write to {path}{made}{parent}{file}",
        "its parent must be a directory that can be written to",
    ),
    _rule(
        r"headrace: (?P<newer>attempt \d+ at \S+ by run \S+) is newer",
        ConflictError,
        "another run was faster: {newer} is newer",
        "try again",
    ),
    _rule(
        r"DELTA_CONCURRENT_|Concurrent(?:Append|DeleteRead|DeleteDelete|Write|Transaction|Modification)Exception"
        r"|(?:Metadata|Protocol)ChangedException|DELTA_(?:METADATA|PROTOCOL)_CHANGED",
        ConflictError,
        "another writer changed the table at the same time",
        "try again",
    ),
    _rule(
        r"FAILED_READ_FILE[\s\S]*?reading file (?P<path>.+?)/_delta_log/(?P<file>\S+?)\.?\s",
        DataError,
        "the Delta log of {path} is damaged: {file} cannot be read",
        "restore the file, or rebuild the table",
    ),
    _rule(
        r"Checksum error: (?:file:/*)?(?P<path>/\S+?) at \d+",
        DataError,
        "{path} is damaged: its checksum does not match",
        "restore the file, or rebuild the table",
    ),
    _rule(
        r"DELTA_TRUNCATED_TRANSACTION_LOG\] (?P<path>.+?)/_delta_log/|DELTA_STATE_RECOVER_ERROR"
        r"|JsonParseException|JsonEOFException|DELTA_VERSIONS_NOT_CONTIGUOUS|DELTA_MISSING_PART_FILES|DELTA_LOG_\w+"
        r"|DELTA_CHECKPOINT_\w+|DELTA_INVALID_PROTOCOL_VERSION",
        DataError,
        "the Delta log is damaged or has files missing {path}",
        "restore its _delta_log directory, or rebuild the table",
    ),
    _rule(
        rf"FILE_NOT_EXIST\][\s\S]*?{_FILE}",
        GoneError,
        "the data file {path} is missing",
        "it was deleted or vacuumed; restore it, or rebuild the table",
    ),
    _rule(
        rf"CANNOT_READ_FILE_FOOTER\][\s\S]*?{_FILE}|(?P<file>\S+) is not a Parquet file",
        DataError,
        "{path}{file} is not a Parquet file, or it is damaged",
    ),
    _rule(
        rf"PARQUET_COLUMN_DATA_TYPE_MISMATCH\][\s\S]*?{_FILE}[\s\S]*?column \[(?P<column>.+?)\]\. "
        r"Expected Spark type (?P<wanted>\S+), actual Parquet type (?P<found>\S+)\. ",
        DataError,
        "{path}: column {column} is {found}, not {wanted}",
    ),
    _rule(
        r"CSV header does not conform to the schema\.?[\s\S]*?Expected: (?P<wanted>.*)but found: "
        r"(?P<found>.*)\n\s*CSV file: (?P<path>.+)",
        DataError,
        "{path}: the header says {found} where other files of this table say {wanted}",
    ),
    _rule(
        r"Number of column in CSV header[\s\S]*?CSV file: (?P<path>.+)",
        DataError,
        "{path}: the header has another number of columns than other files of this table",
    ),
    _rule(
        rf"FAILED_READ_FILE[\s\S]*?{_FILE}(?:[\s\S]*Caused by: \S+?: (?P<why>.+))?",
        DataError,
        "cannot read {path}: {why}",
        "the file may be damaged",
    ),
    _rule(
        r"PATH_NOT_FOUND\] Path does not exist: (?P<path>.+?)\. SQLSTATE"
        r"|DELTA_PATH_DOES_NOT_EXIST\] (?P<delta>\S+)"
        r"|FileNotFoundException: File (?P<file>.+?)(?:/_delta_log)? does not exist",
        DataError,
        "there is nothing at {path}{delta}{file}",
    ),
    _rule(
        r"DELTA_(?:TABLE_ONLY_OPERATION|TABLE_NOT_FOUND|MISSING_DELTA_TABLE\w*|NOT_A_DELTA_TABLE)\]"
        r"(?: Delta table)? `?(?P<path>.+?)`? (?:is not|doesn't)",
        DataError,
        "there is no Delta table at {path}",
    ),
    _rule(
        r"TABLE_OR_VIEW_NOT_FOUND\] The table or view (?P<table>.+?) cannot be found",
        DataError,
        "table {table} does not exist",
    ),
    _rule(
        r"REQUIRES_SINGLE_PART_NAMESPACE\][^\n]*got (?P<name>\S+?)\. SQLSTATE|(?:CATALOG|SCHEMA)_NOT_FOUND\] "
        r"The (?P<what>(?:catalog|schema) \S+) (?:cannot be found|not found)",
        DataError,
        "this Spark has no {what}{name}",
        "check the catalog and schema names in the settings",
    ),
    _rule(
        r"DELTA_VERSION_NOT_FOUND\] Cannot time travel Delta table to version (?P<version>\d+)\. "
        r"Available versions: \[(?P<first>\d+), (?P<last>\d+)\]",
        GoneError,
        "version {version} is not there any more or not yet: the table has {first} to {last}",
    ),
    _rule(
        r"Cannot time travel beyond delta\.deletedFileRetentionDuration \((?P<kept>.+?)\)",
        GoneError,
        "this version cannot be read any more: the table keeps versions for {kept}",
        "raise its delta.deletedFileRetentionDuration",
    ),
    _rule(r"UNABLE_TO_INFER_SCHEMA", DataError, "there are no data files"),
    _rule(
        r"No FileSystem for scheme \"?(?P<scheme>\w+)|Class \S+\.fs\.(?P<fs>\w+)\.\w+ not found",
        AccessError,
        "this Spark cannot reach {scheme}{fs}",
        "add the storage's connector, e.g. org.apache.hadoop:hadoop-aws:3.4.2, to spark.jars.packages",
    ),
    _rule(r"\[USER_RAISED_EXCEPTION\] (?P<text>.+?)(?: SQLSTATE|$)", DataError, "{text}"),
    _rule(
        r"PatternSyntaxException: (?P<what>.+)(?:\n(?P<quoted>.+))?"
        r"|INVALID_PARAMETER_VALUE\.PATTERN\] (?P<why>.+?)(?: SQLSTATE|$)",
        UsageError,
        "a regular expression cannot be read: {what}{why}{fragment}",
    ),
    _rule(
        r"UNRESOLVED_COLUMN\S*\] A column, variable, or function parameter with name (?P<name>.+?) "
        r"cannot be resolved(?:\. Did you mean one of the following\? \[(?P<near>.*)\]\.)?",
        DataError,
        "there is no column {name}; the columns are {near}",
    ),
    _rule(
        r"DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES?[\s\S]*?Invalid column names: (?P<names>.+)\.",
        UsageError,
        "Delta tables cannot have columns named {names}",
        "use letters, digits and underscores",
    ),
    _rule(
        r"(?P<what>Could not parse Master URL: .+)"
        r"|(?:INVALID_CONF_VALUE\S*|CANNOT_MODIFY_\w*CONFIG|CONFIG_NOT_AVAILABLE)\] "
        r"(?P<conf>.+?\.)(?= SQLSTATE|\n|$)",
        UsageError,
        "{what}{conf}",
        "see `spark` in the settings",
    ),
    _rule(
        r"(?:DATATYPE_MISMATCH\S*|PARSE_SYNTAX_ERROR|UNRESOLVED_ROUTINE|WRONG_NUM_ARGS\S*)\] "
        r"(?P<what>.+?)(?: SQLSTATE|$)",
        UsageError,
        "{what}{fragment}",
    ),
    _rule(
        r"StatusCode\.UNAVAILABLE|failed to connect to all addresses|All masters are unresponsive",
        InfrastructureError,
        "no Spark answers at the address in the settings",
    ),
)
