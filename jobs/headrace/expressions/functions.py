"""The functions an expression may call: name, what it takes, its result type. The only place that lists them.

All are deterministic, look at one row only, and do not depend on where or when they run (the session is
pinned to UTC and ANSI). To add one, add a line; tests/integration/test_expression_types.py compares it with
Spark.
"""

from dataclasses import dataclass

from headrace.expressions.parameters import Signature
from headrace.expressions.results import (
    Result,
    always,
    array_of_common,
    common,
    compared,
    computed,
    element,
    element_at,
    extracted,
    first,
    flattened,
    floating,
    greatest_element,
    keys,
    rounded,
    shifted,
    values,
    whole,
    with_element,
    with_key,
)
from headrace.expressions.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    DataType,
    array,
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function an expression may call.

    Attributes:
        name: Its name in lower case.
        theme: What it is about, as the YAML reference sorts functions.
        takes: Its parameters in the language of `parameters`.
        signature: The same, ready to check.
        result: The rule for its result type.
    """

    name: str
    theme: str
    takes: str
    signature: Signature
    result: Result


# theme -> names that do the same -> (parameters, result type)
_TABLE: dict[str, dict[str, tuple[str, DataType | Result]]] = {
    "numbers": {
        "abs": ("numeric", first),
        "ceil ceiling floor": ("numeric", whole),
        "round bround": ("numeric digits?", rounded),
        "sign signum exp expm1 ln log2 log10 log1p sqrt cbrt": ("double", DOUBLE),
        "sin cos tan asin acos atan degrees radians": ("double", DOUBLE),
        "log": ("double double?", DOUBLE),
        "pow power atan2 hypot": ("double double", DOUBLE),
        "nanvl": ("numeric numeric", floating),
        "pi": ("", DOUBLE),
        "isnan": ("double", BOOLEAN),
        "mod pmod": ("numeric numeric", computed("%")),
        "try_add": ("numeric numeric", computed("+")),
        "try_subtract": ("numeric numeric", computed("-")),
        "try_multiply": ("numeric numeric", computed("*")),
        "try_divide": ("numeric numeric", computed("/")),
        "width_bucket": ("double double double integral", BIGINT),
        "shiftleft shiftright": ("integral int", shifted),
        "bit_count": ("integral", INT),
    },
    "nulls and conditions": {
        "coalesce": ("any...", common()),
        "nvl ifnull": ("any any", common()),
        "nvl2": ("any any any", common(1)),
        "nullif": ("comparable comparable", compared(None)),
        "if": ("boolean any any", common(1)),
        "isnull isnotnull": ("any", BOOLEAN),
        "equal_null": ("comparable comparable", compared(BOOLEAN)),
        "greatest least": ("comparable comparable...", common()),
    },
    "strings": {
        "lower lcase upper ucase trim initcap reverse": ("string", STRING),
        "ltrim rtrim": ("string", STRING),
        "btrim": ("string string?", STRING),
        "length char_length character_length octet_length bit_length ascii": ("string", INT),
        "substring substr": ("string int int?", STRING),
        "left right repeat": ("string int", STRING),
        "lpad rpad": ("string int string?", STRING),
        "concat": ("text...", STRING),
        "concat_ws": ("string text...", STRING),
        "replace": ("string string string?", STRING),
        "translate": ("string string string", STRING),
        "startswith endswith contains": ("string string", BOOLEAN),
        "instr": ("string string", INT),
        "locate position": ("string string int?", INT),
        "levenshtein": ("string string", INT),
        "split_part substring_index": ("string string int", STRING),
        "split": ("string regex int?", array(STRING)),
        "regexp_like regexp": ("string regex", BOOLEAN),
        "regexp_replace": ("string regex string", STRING),
        "regexp_extract": ("string regex int?", extracted),
        "regexp_count": ("string regex", INT),
        "get_json_object": ("string string", STRING),
        "md5 sha sha1 base64": ("bytes", STRING),
        "sha2": ("bytes int", STRING),
        "crc32": ("bytes", BIGINT),
        "hash": ("hashable...", INT),
        "xxhash64": ("hashable...", BIGINT),
    },
    "dates and times": {
        "year quarter month day dayofmonth dayofweek dayofyear weekday weekofyear": ("day", INT),
        "hour minute second": ("clock", INT),
        "dayname monthname": ("day", STRING),
        "date_trunc": ("truncation day", TIMESTAMP),
        "trunc": ("day date_truncation", DATE),
        "date_add dateadd date_sub add_months": ("day int", DATE),
        "datediff date_diff": ("day day", INT),
        "months_between": ("day day flag?", DOUBLE),
        "last_day": ("day", DATE),
        "next_day": ("day weekday", DATE),
        "date_format": ("day time_format", STRING),
        "make_date": ("int int int", DATE),
        "unix_date": ("date", INT),
        "date_from_unix_date": ("int", DATE),
        "unix_micros unix_millis unix_seconds": ("timestamp", BIGINT),
        "timestamp_micros timestamp_millis": ("integral", TIMESTAMP),
        "timestamp_seconds": ("numeric", TIMESTAMP),
        "to_date try_to_date": ("time_text read_format?", DATE),
        "to_timestamp try_to_timestamp": ("time_text read_format?", TIMESTAMP),
        "to_timestamp_ntz": ("time_text read_format?", TIMESTAMP_NTZ),
        "from_utc_timestamp to_utc_timestamp": ("clock zone", TIMESTAMP),
    },
    "arrays and maps": {
        "array": ("any...", array_of_common),
        "size cardinality": ("collection", INT),
        "array_size": ("array", INT),
        "element_at try_element_at": ("collection any", element_at),
        "get": ("array int", element),
        "array_contains": ("comparables value", with_element(BOOLEAN)),
        "array_remove": ("comparables value", with_element(None)),
        "array_append": ("array value", with_element(None)),
        "array_max array_min": ("array", greatest_element),
        "array_distinct": ("comparables", first),
        "array_compact": ("array", first),
        "array_join": ("strings string", STRING),
        "sort_array": ("comparables flag?", first),
        "slice": ("array int int", first),
        "flatten": ("array", flattened),
        "map_keys": ("map", keys),
        "map_values": ("map", values),
        "map_contains_key": ("map value", with_key(BOOLEAN)),
    },
}

FUNCTIONS: dict[str, Function] = {
    name: Function(
        name, theme, takes, Signature.parse(takes), always(result) if isinstance(result, DataType) else result
    )
    for theme, functions in _TABLE.items()
    for names, (takes, result) in functions.items()
    for name in names.split()
}
