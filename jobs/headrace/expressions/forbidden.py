"""Functions an expression may not call although Spark has them, each with the reason a person is told."""

_REASONS: dict[str, str] = {
    "it is an aggregate, and an expression works on one row": """
        any_value approx_count_distinct approx_percentile array_agg avg bit_and bit_or bit_xor bool_and
        bool_or collect_list collect_set corr count count_if count_min_sketch covar_pop covar_samp every
        first first_value grouping grouping_id histogram_numeric hll_sketch_agg kll_sketch_agg_double
        kurtosis last last_value listagg max max_by mean median min min_by mode percentile
        percentile_approx percentile_cont percentile_disc regr_avgx regr_count regr_slope skewness some std
        stddev stddev_pop stddev_samp string_agg sum try_avg try_sum var_pop var_samp variance""",
    "it is a window function, and windows are declared with `window:`": """
        cume_dist dense_rank lag lead nth_value ntile over percent_rank rank row_number session_window
        window window_time""",
    "it gives another value each time": """
        monotonically_increasing_id rand randn random randstr shuffle uniform uuid""",
    "its value depends on when or where it runs": """
        curdate current_catalog current_database current_date current_schema current_time current_timestamp
        current_timezone current_user getdate input_file_block_length input_file_block_start
        input_file_name localtimestamp now session_user spark_partition_id sysdate today unix_timestamp
        user version""",
    "it reaches outside the row": """
        ai_query call_function http_request java_method load_file read_files reflect secret try_reflect
        try_secret""",
    "it exists to fail or to stall": "assert_true raise_error sleep",
    "an expression takes no lambda functions": """
        aggregate filter forall map_filter map_zip_with reduce transform transform_keys transform_values
        zip_with""",
    "it makes several rows or columns of one": """
        explode explode_outer inline inline_outer json_tuple posexplode posexplode_outer range stack unnest
        variant_explode""",
    "subqueries are not allowed": "all any exists from select table values with",
}
FORBIDDEN = {name: reason for reason, names in _REASONS.items() for name in names.split()}

# Words that Spark reads as a function call without parentheses, unless a column has that name.
CALLED_WITHOUT_PARENTHESES = frozenset(
    (
        "current_date",
        "current_timestamp",
        "current_time",
        "current_user",
        "session_user",
        "user",
        "localtimestamp",
    )
)

# Words that open a syntax of their own in Spark, so that a column of that name must be in backticks.
NEEDS_BACKTICKS = frozenset(("all", "any", "both", "distinct", "exists", "interval", "leading", "some", "trailing"))

_CASTS = "tinyint smallint int bigint float double decimal string binary boolean date timestamp"
HINTS = {
    **{name: f"write cast(x as {name})" for name in _CASTS.split()},
    **dict.fromkeys(("date_part", "extract"), "write year(x), month(x), hour(x) ..."),
    **dict.fromkeys(("to_unix_timestamp", "unix_timestamp"), "write unix_seconds(x)"),
    **dict.fromkeys(("len", "strlen"), "write length(x)"),
    "date_from_parts": "write make_date(year, month, day)",
    "div": "write a div b",
    "iff": "write if(condition, a, b)",
    "isna": "write x is null",
    "rlike": "write x rlike pattern",
    "nullifzero": "write nullif(x, 0)",
    "safe_divide": "write try_divide(a, b)",
    "zeroifnull": "write coalesce(x, 0)",
}
