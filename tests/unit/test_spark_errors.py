"""Words of data and of the author's SQL that Spark quotes say nothing about memory, disks or permissions. No JVM."""

import pytest
from pyspark.errors import ArithmeticException, NumberFormatException, PySparkException, SparkRuntimeException

from headrace.engine.spark_errors import translate
from headrace.errors import AccessError, DataError, UsageError

SHOWN = "== SQL (line 1, position 1) ==\n{sql}\n{marks}\n"
ZERO = "[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0. SQLSTATE: 22012\n"
CAST = (
    '[CAST_INVALID_INPUT] The value {value} of the type "STRING" cannot be cast to "INT" because it is malformed. '
    "Correct the value as per the syntax, or change its target type. SQLSTATE: 22018\n"
)
RAISED = "[USER_RAISED_EXCEPTION] f: sum of x is too large SQLSTATE: P0001\n"
FILE = (
    "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:/lake/a.csv. SQLSTATE: KD001\n"
    "Caused by: org.apache.spark.SparkException: [MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are "
    'detected in record parsing: [1,AccessDenied,null].\nCaused by: java.lang.Exception: For input string: "x"\n'
)


def shown(sql: str, begin: int = 0) -> str:
    return SHOWN.format(sql=sql, marks=" " * begin + "^" * (len(sql) - begin))


CASES = [
    (
        ArithmeticException(ZERO + shown("CASE WHEN outcome = 'AccessDenied' THEN a / b END")),
        DataError,
        "x: division by zero in: CASE WHEN outcome = 'AccessDenied' THEN a / b END; nullif(x, 0) makes it null",
    ),
    (
        ArithmeticException(ZERO + shown("if(s = 'OutOfMemoryError', a / b, 0)", begin=27)),
        DataError,
        "x: division by zero in: a / b, 0); nullif(x, 0) makes it null",
    ),
    (
        NumberFormatException(CAST.format(value="'AccessDenied'") + shown("cast(code as int)")),
        DataError,
        "x: the STRING 'AccessDenied' is not a valid INT in: cast(code as int)",
    ),
    (
        NumberFormatException(CAST.format(value="'a\nNo space left on device'") + shown("cast(code as int)")),
        DataError,
        "x: the STRING 'a No space left on device' is not a valid INT in: cast(code as int)",
    ),
    (
        SparkRuntimeException(
            "[DUPLICATED_MAP_KEY] Duplicate map key AccessDenied was found, check it. SQLSTATE: 23505"
        ),
        DataError,
        "x: Duplicate map key AccessDenied was found, check it",
    ),
    (
        PySparkException(FILE),
        DataError,
        "x: /lake/a.csv: a row does not fit the declared columns: [1,AccessDenied,null]",
    ),
    (
        SparkRuntimeException(RAISED + shown("CASE WHEN s = 'Disk quota exceeded' THEN raise_error('f')")),
        DataError,
        "x: f: sum of x is too large",
    ),
    (
        PySparkException("[UNRESOLVED_ROUTINE] Cannot resolve routine f.\n" + shown("f('Permission denied')")),
        UsageError,
        "x: Cannot resolve routine f in: f('Permission denied')",
    ),
    (
        PySparkException("Job aborted.\nCaused by: java.io.FileNotFoundException: /lake/a (Permission denied)\n"),
        AccessError,
        "x: permission denied /lake/a; check who may read and write there",
    ),
]


@pytest.mark.parametrize(("raised", "error", "message"), CASES, ids=range(len(CASES)))
def test_words_that_are_quoted(raised: PySparkException, error: type[Exception], message: str) -> None:
    found = translate(raised, "x")
    assert (type(found), str(found)[: len(message)]) == (error, message)
