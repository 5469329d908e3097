"""Every construct of the ban list is planted once and caught once."""

import pytest

from tests.portability.portable_sql import (
    BANNED,
    BANNED_AS_WRITTEN,
    ENGINE_BRANCHES,
    lateral_aliases,
    source_violations,
    violations,
)

PLANTED = {
    "qualify": ["select a from t qualify row_number() over (order by a nulls last) = 1"],
    "group by all": ["select a, count(*) from t group by all", "select a from t order by ALL"],
    "filter (where)": ["select count(*) filter (where a) from t"],
    "star modifier": [
        "select * exclude (a) from t",
        "select t.* replace (1 as a) from t",
        "select columns('a.*') from t",
    ],
    "distinct on": ["select distinct on (a) a, b from t"],
    "asof or positional join": ["select a from t asof left join u using (a)", "select a from t positional join u"],
    "::": ["select a::date from t"],
    "//": ["select a // 2 from t"],
    "division without nullif": ["select a / b from t", "select a / 0 from t", "select a /\n    (b + 1) from t"],
    "division by a decimal literal": ["select a / 86400.0 from t", "select a /0.5 from t"],
    "list or struct": ["select [1, 2] from t", "select a[1] from t", "select {'k': 1} from t"],
    "list function": ["select unnest(a) from t", "select list_sort(a) from t", "select list(a) from t"],
    "lambda or JSON arrow": ["select a ->> '$.k' from t", "select any_match(a, x -> x > 1) from t"],
    "JSON function": ["select json_extract(a, '$.k') from t", "select to_json(a) from t"],
    "strptime": ["select strptime(a, '%Y') from t"],
    "wall clock": ["select current_timestamp from t", "select now() from t", "select today() from t"],
    "trim of given characters": ["select ltrim(a, '#') from t", "select trim(coalesce(trim(a), b), '/') from t"],
    "DuckDB-only function": [
        "select try_strptime(a, '%Y') from t",
        "select regexp_matches(a, 'x') from t",
        "select url_decode(a) from t",
        "select a + to_days(1) from t",
        "select date_diff('day', a, b) from t",
        "select g from generate_series(1, 2) as g",
        "select timezone('UTC', a) from t",
        "select SHA256 (a) from t",
        "select isfinite(a) from t",
    ],
}
PLANTED_AS_WRITTEN = {
    "ambiguous function": [
        "select datediff(a, b) from t",
        "select to_timestamp(a) from t",
        "select array_agg(a) from t",
    ],
    "lambda or JSON arrow": ["select transform(a, item -> item + 1) from t"],
}
PLANTED_BRANCHES = {
    "branch on the target": ["{% if target.type == 'spark' %}a{% endif %}", "{{ target['name'] }}"],
    "branch on the adapter": ["{% if adapter.type() == 'spark' %}a{% endif %}", "{{ adapter.dispatch('x')() }}"],
    "query while compiling": ["{% set rows = run_query('select 1') %}", "{%- call statement('x') -%}{%- endcall -%}"],
}
PORTABLE = [
    "select 'a::b // [c] now()' as text_value from t",
    "-- qualify, group by all\nselect a from t /* a / b */",
    "select a / nullif(b, 0), a / 2 from t",
    "select * from a except select * from b",
    "select regexp_extract(a, r'[a-z]\\', 1), b from t",
    "select to_timestamp_text, known_list, date_diff from t",
    "select concat(a, 'it''s [b]') from t",
    "select row_number() over (partition by a, b order by coalesce(c, d) desc nulls last, e asc nulls last) from t",
    "select sum(a) over (order by b nulls last rows between unbounded preceding and current row) from t",
    "select sum(a) over (partition by b) from t",
    "select trim(a), coalesce(ltrim(b), 'c') from t",
]


@pytest.mark.parametrize(("construct", "sql"), [(name, sql) for name, texts in PLANTED.items() for sql in texts])
def test_a_banned_construct_is_found_in_compiled_sql_and_in_a_model(construct: str, sql: str) -> None:
    assert construct in {finding.construct for finding in violations(sql)}
    assert construct in {finding.construct for finding in source_violations("{{ config() }}\n" + sql)}


@pytest.mark.parametrize(
    ("construct", "sql"), [(name, sql) for name, texts in PLANTED_AS_WRITTEN.items() for sql in texts]
)
def test_what_only_a_macro_may_write_is_found_in_a_model(construct: str, sql: str) -> None:
    assert [finding.construct for finding in source_violations(sql)] == [construct]
    assert violations(sql) == []


@pytest.mark.parametrize(
    ("construct", "sql"), [(name, sql) for name, texts in PLANTED_BRANCHES.items() for sql in texts]
)
def test_a_branch_on_the_engine_is_found_in_a_model(construct: str, sql: str) -> None:
    assert [finding.construct for finding in source_violations(sql)] == [construct]


def test_every_ban_has_a_planted_violation() -> None:
    assert PLANTED.keys() == BANNED.keys()
    assert (PLANTED | PLANTED_AS_WRITTEN).keys() == BANNED_AS_WRITTEN.keys()
    assert PLANTED_BRANCHES.keys() == ENGINE_BRANCHES.keys()


@pytest.mark.parametrize("sql", PORTABLE)
def test_portable_sql_has_no_finding(sql: str) -> None:
    assert violations(sql) == []


@pytest.mark.parametrize(
    "model",
    [
        "select {{ parsed['a'] }}, {{ x }} / {{ y }} from {{ ref('t') }}",
        "{# target.type, [a] #}select {{ target.schema }} from t",
        "{%- set names = ['a', 'b'] -%}\nselect a from t",
    ],
)
def test_jinja_alone_is_no_finding(model: str) -> None:
    assert source_violations(model) == []


@pytest.mark.parametrize(
    "order", ["a", "a desc, b nulls last", "coalesce(a, b) nulls last, c", "a rows between 1 preceding and current row"]
)
def test_a_window_order_without_nulls_last_is_found(order: str) -> None:
    findings = violations(f"select 1,\n    sum(c) over (partition by d order by {order}) from t")
    assert [(finding.construct, finding.line) for finding in findings] == [("window order without nulls last", 2)]


def test_a_finding_names_line_and_text() -> None:
    assert str(violations("select\n    'two\nlines',\n    a::date\nfrom t")[0]) == "line 4: ::: a::date"


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select a + 1 as b, b * 2 as c from t", ["b"]),
        ("with x as (select 1 as p, p + 1 as q) select q from x", ["p"]),
        ("select trim(a) as a, upper(a) as b from t", []),
        ("select t.a + 1 as b, t.b * 2 as c from t", []),
        ("select a as b from t union all select b as c from t", []),
    ],
)
def test_a_lateral_alias_is_found(sql: str, names: list[str]) -> None:
    assert list(lateral_aliases(sql)) == names
