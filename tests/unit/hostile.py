"""Attempts to smuggle something through a definition, as edits of a small valid one: old text, new text, problem's code.

A code of None says that the attempt is harmless: the text stays text.
"""

DEFINITIONS = """\
kind: entity
name: customer
keys: {customer_id: bigint}
---
kind: feature_table
name: items
entity: customer
table: raw.items
columns: {customer_id: bigint, colour: string}
---
kind: source
name: sales
table: raw.sales
event_time: sold_at
timezone: Europe/Berlin
columns: {customer_id: bigint, amount: double, item: string, day: string, sold_at: timestamp_ntz}
derive: {large: amount > 100}
enrich: [{from: items, on: {customer_id: customer_id}, columns: [colour]}]
partition: {column: day, format: yyyy-MM-dd, by: event_time, slack: 1d}
dedupe: {keys: [customer_id], within: 1d}
tie_breaker: [item]
expectations:
  - expect_column_values_to_be_in_set: {column: item, value_set: [pear]}
  - expect_column_values_to_match_regex: {column: item, regex: '^p'}
  - expect_column_values_to_be_between: {column: amount, min_value: 0}
---
kind: source
name: days
from: sales
group_by: [customer_id]
columns: {total: sum(amount)}
span: 1h
---
kind: feature_group
name: spend
version: 1
entity: customer
source: sales
every: 1d
start: 2024-01-01
features:
  spend: {aggregate: sum, of: amount, windows: [1d, 7d], default: 0}
  last_item: {aggregate: last, of: item, where: amount > 0, default: none}
  share: {expression: spend_1d / nullif(spend_7d, 0)}
---
kind: feature_group
name: daily
version: 1
entity: customer
source: days
every: 1d
start: 2024-01-01
features: {largest: {aggregate: max, of: total, window: 7d}}
---
kind: test
name: adds_up
feature_group: spend
given:
  sales: [{customer_id: 1, amount: 2.5, sold_at: 2024-01-02T09:00:00}]
at: [{customer_id: 1, time: 2024-01-03T00:00:00Z}]
expect: [{spend_1d: 2.5}]
"""

Attempt = tuple[str, str, str | None]

# SQL where a name is expected.
NAMES: list[Attempt] = [
    ("  share:", '  "share`) from x --":', "invalid-name"),
    ("  share:", "  'share'' or 1=1':", "invalid-name"),
    ("  share:", "  'sum(amount)':", "invalid-name"),
    ("  share:", "  '`share`':", "invalid-name"),
    ("  share:", "  sh\uff41re:", "invalid-name"),
    ("  share:", "  sh\u0430re:", "invalid-name"),
    ("  share:", '  "sh\\u200bare":', "invalid-value"),
    ("  share:", '  "share\\n  evil":', "invalid-value"),
    ("  share:", '  "share\\e[2J":', "invalid-value"),
    ("  share:", '  "share\\0":', "invalid-value"),
    ("  share:", "  ../share:", "invalid-name"),
    ("  share:", "  <script>:", "invalid-name"),
    ("  share:", "  ${env:HOME}:", "invalid-name"),
    ("  share:", "  {{share}}:", "yaml-syntax"),
    ("  share:", "  'share.x':", "invalid-name"),
    ("  share:", "  share\u0301:", "invalid-name"),
    ("  share:", "  _share:", "reserved-name"),
    ("  share:", "  feature_time:", "reserved-name"),
    ("  share:", "  FEATURE_DATE:", "reserved-name"),
    ("  share:", "  x__mature:", "reserved-name"),
    ("  share:", "  SPEND_1D:", "duplicate-column"),
    ("  share:", "  customer_id:", "duplicate-column"),
    ("name: spend", "name: 'spend; drop table x'", "invalid-name"),
    ("name: spend", "name: ../../spend", "invalid-name"),
    ("name: spend", "name: spend/../x", "invalid-name"),
    ("name: spend", 'name: "spend\\0"', "invalid-name"),
    ("name: spend", 'name: "spend\\nerror: all is lost"', "invalid-name"),
    ("name: spend", "name: spend%2e%2e", "invalid-name"),
    ("name: spend", "name: _headrace", "invalid-name"),
    ("name: spend", "name: .hidden", "invalid-name"),
    ("name: spend", "name: " + "s" * 129, "invalid-name"),
    ("name: spend", "name: " + "s" * 100_000, "invalid-name"),
    ("name: spend", "name: \uff53pend", "invalid-name"),
    ("name: spend", "name: spend\u202e", "invalid-name"),
    ("name: sales\n", "name: sales`\n", "invalid-name"),
    ("name: sales\n", "name: \"sales') or raise_error('\"\n", "invalid-name"),
    ("name: customer\n", "name: customer--\n", "invalid-name"),
    ("name: items\n", "name: items\\\n", "invalid-name"),
    ("name: adds_up", "name: '::set-output name=x::y'", "invalid-name"),
    ("feature_group: spend", 'feature_group: "spend\\e]0;x\\a"', "invalid-name"),
    ("source: days", "source: days UNION SELECT", "invalid-name"),
    ("entity: customer\nsource: sales", "entity: customer$\nsource: sales", "invalid-name"),
    ("keys: {customer_id: bigint}", "keys: {'customer_id`': bigint}", "invalid-name"),
    ("keys: {customer_id: bigint}", 'keys: {"customer_id\\n": bigint}', "invalid-value"),
    ("keys: {customer_id: bigint}", "keys: {_event_us: bigint}", "reserved-name"),
]
# Columns of a source may be called anything that can be seen and that gates can address; what names them does so exactly.
COLUMNS: list[Attempt] = [
    ("amount: double", "amount: double, 'a`b': string", "invalid-name"),
    ("amount: double", "amount: double, 'a b; drop table x': string", None),
    ("amount: double", "amount: double, '*': string", "invalid-name"),
    ("amount: double", "amount: double, 'x.y': string", "invalid-name"),
    ("amount: double", 'amount: double, "it\'s": string', None),
    ("amount: double", "amount: double, '<img src=x onerror=alert(1)>': string", None),
    ("amount: double", "amount: double, '${env:HOME}': string", "invalid-name"),
    ("amount: double", 'amount: double, "a\\nb": string', "invalid-value"),
    ("amount: double", 'amount: double, "a\\u202eb": string', "invalid-value"),
    ("amount: double", 'amount: double, "a\\u200bb": string', "invalid-value"),
    ("amount: double", 'amount: double, "a\\0b": string', "invalid-value"),
    ("amount: double", "amount: double, " + "x" * 256 + ": string", "invalid-value"),
    ("amount: double", "amount: double, _event_us: bigint", "reserved-name"),
    ("amount: double", "amount: double, _counts_us: bigint", "reserved-name"),
    ("amount: double", "amount: double, _s0: bigint", "reserved-name"),
    ("amount: double", "amount: double, _let0_0: bigint", "reserved-name"),
    ("amount: double", "amount: double, AMOUNT: double", "duplicate-column"),
    ("amount: double", "amount: double) --", "invalid-value"),
    ("amount: double", "amount: 'double) using csv --'", "invalid-value"),
    ("amount: double", "amount: 'double comment ''x'''", "invalid-value"),
    ("amount: double", "amount: 'double default 1'", "invalid-value"),
    ("amount: double", "amount: 'double, evil string'", "invalid-value"),
    ("amount: double", "amount: 'struct<`a`:int> >'", "invalid-value"),
    ("amount: double", "amount: " + "array<" * 21 + "int" + ">" * 21, "invalid-value"),
    ("amount: double", "amount: decimal(99999999999999999999,2)", "invalid-value"),
    ("amount: double", "amount: d\u043euble", "invalid-value"),
    ("amount: double", "amount: variant", "invalid-value"),
    ("amount: double", "amount: [double]", "invalid-value"),
    ("derive: {large:", "derive: {_large:", "reserved-name"),
    ("derive: {large:", "derive: {amount:", "duplicate-column"),
    ("derive: {large: amount", "derive: {large: '`amount`) or (1'", "yaml-syntax"),
    ("columns: [colour]", "columns: ['colour`, `x']", "unknown-column"),
    ("on: {customer_id: customer_id}", "on: {'1=1 or customer_id': customer_id}", "enrich-keys"),
    ("tie_breaker: [item]", "tie_breaker: ['item desc, rand()']", "unknown-column"),
    ("tie_breaker: [item]", "tie_breaker: ['`item`']", "unknown-column"),
    ("dedupe: {keys: [customer_id]", "dedupe: {keys: ['customer_id, rand()']", "unknown-column"),
    ("group_by: [customer_id]", "group_by: ['customer_id) --']", "unknown-column"),
    ("columns: {total: sum(amount)}", "columns: {total: 'sum(reflect(''a'', ''b''))'}", "forbidden-expression"),
    ("columns: {total: sum(amount)}", "columns: {total: 'sum(amount) filter (where true)'}", "expression-syntax"),
    ("columns: {total: sum(amount)}", "columns: {total: 'sum(amount), count(*)'}", "expression-syntax"),
    ("columns: {total: sum(amount)}", "columns: {total: 'sum(sum(amount))'}", "forbidden-expression"),
    ("columns: {total: sum(amount)}", "columns: {'total`': sum(amount)}", "unknown-column"),
    ("event_time: sold_at", "event_time: now()", "unknown-column"),
    ("event_time: sold_at", "event_time: '`sold_at`'", "unknown-column"),
]
# Fields with a small language of their own.
FIELDS: list[Attempt] = [
    ("timezone: Europe/Berlin", "timezone: \"UTC') or ('\"", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: ../../../etc/passwd", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: /etc/localtime", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: localtime", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: posixrules", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: right/UTC", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: posix/Europe/Berlin", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: Factory", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: zone.tab", "invalid-value"),
    ("timezone: Europe/Berlin", 'timezone: "UTC\\0"', "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: ${env:TZ}", "invalid-value"),
    ("timezone: Europe/Berlin", "timezone: " + "a/" * 50_000, "invalid-value"),
    ("format: yyyy-MM-dd", "format: \"yyyy' or '1\"", "invalid-value"),
    ("format: yyyy-MM-dd", "format: '%Y'", "invalid-value"),
    ("partition: {column: day", "partition: {column: 'day` or `x'", "unknown-column"),
    ("partition: {column: day", "partition: {column: ../day", "unknown-column"),
    ("by: event_time", "by: now()", "partition-by"),
    ("slack: 1d", "slack: 1d or 1=1", "invalid-value"),
    ("slack: 1d", "slack: -1d", "invalid-value"),
    ("within: 1d", "within: 99999999999999999999999d", "invalid-value"),
    ("within: 1d", "within: \uff11d", "invalid-value"),
    ("within: 1d", "within: \u0663d", "invalid-value"),
    ("within: 1d", "within: " + "1d" * 30_000, None),
    ("within: 1d", "within: " + "1" * 100_000 + "d", "invalid-value"),
    ("span: 1h", "span: P1D", "invalid-value"),
    ("span: 1h", "span: 0x1h", "invalid-value"),
    ("windows: [1d, 7d]", "windows: [1d, '7d) or (1']", "invalid-value"),
    ("windows: [1d, 7d]", "windows: [1d, 7d, 7 d]", "duplicate-window"),
    ("windows: [1d, 7d]", "windows: [1d, 2000001d]", "invalid-value"),
    ("windows: [1d, 7d]", "windows: [1d, 1d 1h]", "invalid-name"),
    ("start: 2024-01-01\nfeatures:\n", "start: now\nfeatures:\n", "invalid-value"),
    ("start: 2024-01-01\nfeatures:\n", "start: \uff12024-01-01\nfeatures:\n", "invalid-value"),
    ("start: 2024-01-01\nfeatures:\n", "start: 2024-01-01' --\nfeatures:\n", "invalid-value"),
    ("start: 2024-01-01\nfeatures:\n", "start: 99999-01-01\nfeatures:\n", "invalid-value"),
    ("start: 2024-01-01\nfeatures:\n", "start: 0001-01-01T00:00:00+18:00\nfeatures:\n", "invalid-value"),
    (
        "version: 1\nentity: customer\nsource: sales",
        "version: 1/../2\nentity: customer\nsource: sales",
        "invalid-value",
    ),
    (
        "version: 1\nentity: customer\nsource: sales",
        "version: 2147483648\nentity: customer\nsource: sales",
        "invalid-value",
    ),
    ("version: 1\nentity: customer\nsource: sales", "version: -1\nentity: customer\nsource: sales", "invalid-value"),
    (
        "version: 1\nentity: customer\nsource: sales",
        "version: \uff11\nentity: customer\nsource: sales",
        "invalid-value",
    ),
    (
        "version: 1\nentity: customer\nsource: sales",
        "version: " + "9" * 5_000 + "\nentity: customer\nsource: sales",
        "invalid-value",
    ),
    ("version: 1\nentity: customer\nsource: sales", "version: [1]\nentity: customer\nsource: sales", "invalid-value"),
    ("aggregate: last", "aggregate: last(item) or", "unknown-aggregate"),
    ("aggregate: last", "aggregate: __class__", "unknown-aggregate"),
    ("aggregate: last", 'aggregate: "last\\e[31m"', "unknown-aggregate"),
    ("aggregate: last", "aggregate: " + "l" * 100_000, "unknown-aggregate"),
    ("default: none", 'default: "\'; drop table x --"', None),
    ("default: none", "default: '${env:HOME}'", None),
    ("default: none", "default: 'a{b}c'", None),
    ("default: none", "default: rand()", None),
    ("default: none", "default: " + "x" * 100_000, None),
    ("default: none", "default: {a: b}", "default-type"),
    ("default: 0", "default: rand()", "default-type"),
    ("default: 0", "default: 1) --", "default-type"),
    ("default: 0", "default: '" + "9" * 100_000 + "'", "default-type"),
    ("where: amount > 0", "where: amount > 0 or true; drop table x", "forbidden-expression"),
    ("where: amount > 0", "where: 'amount > (select 1)'", "forbidden-expression"),
    ("where: amount > 0", "where: '`amount` > 0 and `sold_at` < current_timestamp'", "forbidden-expression"),
    ("expression: spend_1d", "expression: amount + spend_1d", "unknown-column"),
    ("expression: spend_1d", "expression: feature_time > spend_1d", "unknown-column"),
    ("expression: spend_1d", "expression: _s0 + spend_1d", "unknown-column"),
    ("expression: spend_1d", "expression: _metadata.file_path || spend_1d", "unknown-column"),
    (
        "expression: spend_1d",
        "expression: \"secret('scope', 'key')\"}\n  other: {expression: spend_1d",
        "forbidden-expression",
    ),
    ("expression: spend_1d", "expression: share + spend_1d", "cycle"),
    ("table: raw.sales", "table: ''", "invalid-value"),
]
# What Great Expectations would read as more than a value.
EXPECTATIONS: list[Attempt] = [
    ("value_set: [pear]", "value_set: {$PARAMETER: now()}", "expectation-argument"),
    ("value_set: [pear]", "value_set: [{$PARAMETER: now()}]", "expectation-argument"),
    ("value_set: [pear]", "value_set: [\"pear') or reflect('java.lang.Runtime')\"]", None),
    ("value_set: [pear]", "value_set: ['</script><script>alert(1)</script>']", None),
    ("value_set: [pear]", "value_set: [pear], row_condition: 'reflect(1)'", "expectation-argument"),
    ("value_set: [pear]", "value_set: [pear], condition_parser: spark", "expectation-argument"),
    ("value_set: [pear]", "value_set: [pear], result_format: COMPLETE", "expectation-argument"),
    ("value_set: [pear]", "value_set: [pear], meta: {a: b}", "expectation-argument"),
    ("value_set: [pear]", "value_set: [pear], batch_id: x", "expectation-argument"),
    ("value_set: [pear]", "value_set: [pear], catch_exceptions: true", "expectation-argument"),
    ("value_set: [pear]", "value_set: [pear], severity: none", "invalid-value"),
    ("value_set: [pear]", "value_set: [pear], on_failure: ignore", "invalid-value"),
    ("min_value: 0", "min_value: {$PARAMETER: now()}", "expectation-argument"),
    ("min_value: 0", "min_value: 0 or 1", "expectation-argument"),
    ("min_value: 0", "min_value: .nan", "expectation-argument"),
    ("min_value: 0", "min_value: 1e999", None),
    ("min_value: 0", "min_value: " + "9" * 400, "expectation-argument"),
    ("regex: '^p'", "regex: '(a+)+$('", "expectation-argument"),
    ("regex: '^p'", "regex: \"^p' or '1'='1\"", None),
    ("regex: '^p'", "regex: '^${env:HOME}'", None),
    ("regex: '^p'", "regex: " + "(" * 1_000, "expectation-argument"),
    ("{column: amount, min", "{column: 'amount` or `x', min", "unknown-column"),
    ("{column: amount, min", "{column: '*', min", "unknown-column"),
    ("expect_column_values_to_be_between", "expect_query_results_to_match_comparison", "expectation-unsupported"),
    ("expect_column_values_to_be_between", "unexpected_rows_query", "unknown-expectation"),
    ("expect_column_values_to_be_between", "__import__('os')", "unknown-expectation"),
]
# YAML that is more, or less, than it looks.
YAML: list[Attempt] = [
    (
        "version: 1\nentity: customer\nsource: sales",
        "version: 1\n<<: {entity: customer, source: sales}",
        "unknown-field",
    ),
    ("keys: {customer_id: bigint}", "keys: {customer_id: bigint, customer_id: string}", "duplicate-key"),
    (
        "columns: {customer_id: bigint, colour",
        "columns: {customer_id: bigint, 'customer_id': int, colour",
        "duplicate-key",
    ),
    ("features:\n  spend:", "features:\n  spend: {aggregate: count}\n  spend:", "duplicate-key"),
    ("span: 1h", "span: 1h\nspan: 2h", "duplicate-key"),
    ("kind: test\n", "kind: test\nkind: entity\n", "duplicate-key"),
    ("{column: amount, min_value: 0}", "{column: amount, column: item, min_value: 0}", "duplicate-key"),
    ("given:\n  sales:", "given:\n  sales: []\n  sales:", "duplicate-key"),
    ("{spend_1d: 2.5}", "{spend_1d: 2.5, spend_1d: 3}", "duplicate-key"),
    ("kind: test\n", "kind: !!python/name:os.system test\n", "yaml-tag"),
    ("kind: test\n", "kind: !include /etc/passwd\n", "yaml-tag"),
    ("kind: test\n", "kind: !ENV HOME\n", "yaml-tag"),
    ("kind: test\n", "kind: tests\n", "unknown-kind"),
    ("kind: test\n", "kind: [test]\n", "unknown-kind"),
    ("kind: test\n", "kind: {test: 1}\n", "unknown-kind"),
    ("kind: test\n", 'kind: "te\\u200bst"\n', "unknown-kind"),
    ("kind: test\n", "kind: t\u0435st\n", "unknown-kind"),
    ("kind: test\n", "kind: " + "t" * 100_000 + "\n", "unknown-kind"),
    ("span: 1h", "span: &a [*a]", "yaml-syntax"),
    ("span: 1h", "span: *nothing", "yaml-syntax"),
    ("span: 1h", "span: &a 1h\nlateness: *a", None),
    ("span: 1h", "span: " + "[" * 60 + "]" * 60, "yaml-too-large"),
    ("span: 1h", "span: 1h\n? [a]\n: b", "yaml-syntax"),
    ("span: 1h", "span: 1h\n__class__: x", "unknown-field"),
    ("span: 1h", "span: 1h\nmodel_config: {extra: allow}", "unknown-field"),
    ("span: 1h", "span: 1h\n'': x", "unknown-field"),
    ("span: 1h", 'span: 1h\n"x\\u2028y": 1', "unknown-field"),
    ("span: 1h", "span: 1h\n" + "? " + "k" * 10_000 + "\n: 1", "unknown-field"),
    ("span: 1h", "span: 1h\nname: other", "duplicate-key"),
    ("span: 1h", "span:\n\t1h", "yaml-syntax"),
    ("span: 1h", "span: 1h\n%TAG ! x", None),
    ("span: 1h", "span: 1h\n---\n- not\n- a mapping", "not-a-mapping"),
    ("span: 1h", "span: 1h\ndescription: |\n" + "  x\n" * 6_000, "invalid-value"),
    ("span: 1h", "span: 1h\nowner: '<script>alert(1)</script>'", None),
    ("span: 1h", 'span: 1h\ndescription: "\\e[2J"', None),
]

ATTEMPTS = [*NAMES, *COLUMNS, *FIELDS, *EXPECTATIONS, *YAML]
