"""The marts of attribution as one plain script: SQL of DuckDB's own and numpy, from touch rows to six tables.

As somebody would write it who wants these figures of these touches once, fast: no layers, no text but names, no tests,
no months that are empty, no direct visits, no refunds, no longest path, one currency, one configuration.
"""

from __future__ import annotations

from math import factorial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

GROUPS, ORDERS, LEAST = 128, (1, 2, 3, 4), 20


def attribute(touches: Path, conversions: Path, database: Path, memory: str) -> list[tuple[str, str, float]]:
    """Fill ledger, daily, monthly, total, effects and shapley; model, channel and credit of the rules and of order 1."""
    with duckdb.connect(str(database), config={"memory_limit": memory, "threads": 2}) as connection:
        for query in (JOURNEYS, LEDGER, COUNTS):
            connection.execute(query.format(touches=touches, conversions=conversions))
        numbers, names = (
            column.tolist()
            for column in connection.execute("select n, channel from numbers order by n").fetchnumpy().values()
        )
        name_of = dict(zip(numbers, names, strict=True))
        read = lambda query: connection.execute(query).fetchnumpy()  # noqa: E731
        steps1 = read("from channel_steps order by all")
        monthly, grouped = read("from month_steps order by all"), read("from group_steps order by all")
        shares, sets = read("from shares order by all"), read("from sets order by all")
        kinds = connection.execute("select distinct kind from shares where kind <> ''").fetchall()
        players = connection.execute("select n from players order by bit").fetchnumpy()["n"].tolist()
        rng = np.random.default_rng(1)
        weights = rng.poisson(1, (1000, GROUPS)).astype(float)
        weights = weights * GROUPS / weights.sum(axis=1, keepdims=True) - 1
        effects = []
        for (kind,) in kinds:
            mine = {name: pick(rows, np.isin(rows["kind"], [kind, ""])) for name, rows in
                    {"1": steps1, "month": monthly, "group": grouped, "shares": shares, "sets": sets}.items()}  # fmt: skip
            months = np.unique(mine["shares"]["month"][mine["shares"]["kind"] == kind])
            for month in (None, *months):
                part = {
                    name: rows if month is None else pick(rows, rows["month"] == month)
                    for name, rows in mine.items()
                    if name != "group"
                }
                for order in ORDERS:
                    rows = part["1"] if order == 1 else part["month"] if month is not None else mine["group"]
                    chain = chain_of(rows, order)
                    for basis in ("n", "value"):
                        found = markov(rows, chain, basis, kind, has_groups=order == 1 or month is None)
                        effects += [
                            (kind, month, f"markov_order_{order}", basis, name_of[channel], *figures)
                            for channel, *figures in with_interval(found, weights)
                        ]
                conversions = part["shares"]["kind"] == kind
                for basis in ("shared", "shared_value"):
                    amounts = np.where(conversions, part["shares"][basis], 0)
                    scores = table(part["shares"]["grp"], part["shares"]["channel"], amounts, max(name_of) + 1)[:, 1:]
                    total = scores.sum()
                    found = [
                        (n + 1, None, scores[:, n].sum() / total, scores[:, n] / total) for n in range(scores.shape[1])
                    ]
                    basis = "n" if basis == "shared" else "value"
                    effects += [
                        (kind, month, "shapley_sum", basis, name_of[channel], *figures)
                        for channel, *figures in with_interval(found, weights)
                        if figures[1]
                    ]
                found = rate_game(part["sets"], kind, month is None)
                effects += [
                    (kind, month, "shapley_rate", "n", name_of[players[n]], *figures)
                    for n, *figures in with_interval(found, weights)
                ]
        columns = ["kind", "month", "model", "basis", "channel", "effect", "share", "low", "high"]
        effects = pd.DataFrame(effects, columns=columns)
        effects["month"] = pd.to_datetime(effects["month"])
        connection.execute(MARTS)
        return connection.execute(CREDITS).fetchall()


def pick(rows, holds):
    return {name: column[holds] for name, column in rows.items()}


def table(group, place, amounts, width):
    return np.bincount(group * width + place, amounts, GROUPS * width).reshape(GROUPS, width)


def shortened(states, visits, order):
    """The longest ending with visits enough."""
    out = states % 1000
    decided = np.zeros(len(states), bool)
    for length in range(order, 1, -1):
        has = states >= 1000 ** (length - 1)
        _, inverse = np.unique(states[has] % 1000**length, return_inverse=True)
        stands = np.zeros(len(states), bool)
        stands[has] = np.bincount(inverse, visits[has])[inverse] >= LEAST
        now = stands & ~decided
        out[now] = states[now] % 1000**length
        decided |= now
    return out


def chain_of(rows, order):
    """Last channels, place of each row's step, steps, counts, and the inverse that counts and revenue share."""
    states, places = np.unique(np.concatenate([[0], rows["a"], rows["b"]]), return_inverse=True)
    source, target = np.split(places[1:], 2)
    short = shortened(states, np.bincount(target, rows["n"], len(states)), order)
    kept, new = np.unique(short, return_inverse=True)
    size = len(kept)
    steps, step = np.unique(new[source] * size + new[target], return_inverse=True)
    source, target = steps // size, steps % size
    count = np.bincount(step, rows["n"])
    leaving = np.bincount(source, count, size)
    between = np.zeros((size, size))
    between[source, target] = count / leaving[source]
    between[:, 0] = 0
    return kept % 1000, step, source, target, leaving, np.linalg.inv(np.eye(size) - between)


def markov(rows, chain, basis, kind, *, has_groups):
    """Channel, removal effect, share and what each group adds to the share."""
    last, step, source, target, leaving, visits_all = chain
    won = np.where((rows["kind"] == kind) & (rows["b"] == 0), rows[basis], 0).astype(float)
    reward = np.bincount(step, won)
    if reward.sum() <= 0:
        return []
    expected = visits_all @ (np.bincount(source, reward, len(last)) / leaving)
    visits, base = visits_all[0], expected[0]

    def slopes(visits, expected):
        by_reward = visits[source] / leaving[source]
        return by_reward * (np.where(target > 0, expected[target], 0) - expected[source]), by_reward

    base_slopes = slopes(visits, expected)
    effects, moved = [], []
    channels = np.unique(last[1:])
    if has_groups:
        counts, rewards = (table(rows["grp"], step, amounts, len(source)) for amounts in (rows["n"], won))
    for channel in channels:
        own = np.flatnonzero(last == channel)
        block = visits_all[np.ix_(own, own)]
        gone = np.linalg.solve(block, expected[own])
        left = base - visits[own] @ gone
        effects.append(1 - left / base)
        if has_groups:
            without = expected - visits_all[:, own] @ gone
            met = visits - np.linalg.solve(block.T, visits[own]) @ visits_all[own]
            without[own] = met[own] = 0
            left_slopes = slopes(met, without)
            by_count, by_reward = ((left * b / base - s) / base for b, s in zip(base_slopes, left_slopes, strict=True))
            moved.append(counts @ by_count + rewards @ by_reward)
    effects = np.array(effects)
    shares = effects / effects.sum()
    scores = [None] * len(channels)
    if has_groups:
        moved = np.array(moved).T
        moved = (moved - np.outer(moved.sum(axis=1), shares)) / effects.sum()
        scores = (np.outer(rewards.sum(axis=1), shares) / reward.sum() + moved).T
    return list(zip(channels.tolist(), effects, shares, scores, strict=True))


def rate_game(rows, kind, has_groups):
    """Shapley values of players 0 to 11 where a set is worth the rate of journeys inside it."""
    n = int(rows["bits"].max()).bit_length()
    size = 1 << n
    won = np.where(rows["kind"] == kind, rows["n"], 0)
    inside, converted = (np.bincount(rows["bits"], amounts, size).reshape((2,) * n) for amounts in (rows["n"], won))
    for axis in range(n):
        for array in (inside, converted):
            np.moveaxis(array, axis, 0)[1] += np.moveaxis(array, axis, 0)[0]
    inside, converted = inside.reshape(-1), converted.reshape(-1)
    rate = np.divide(converted, inside, out=np.zeros(size), where=inside > 0)
    sizes = np.array([mask.bit_count() for mask in range(size)])
    ways = np.array([factorial(k) * factorial(n - k - 1) for k in range(n)]) / factorial(n)
    values, moved = np.empty(n), np.empty((GROUPS, n))
    if has_groups:
        count_of, won_of = (table(rows["grp"], rows["bits"], amounts, size) for amounts in (rows["n"], won))
    for player in range(n):
        has = (np.arange(size) >> player & 1).astype(bool)
        weight = np.where(has, ways[np.maximum(sizes - 1, 0)], -ways[np.minimum(sizes, n - 1)])
        values[player] = weight @ rate
        if has_groups:
            by_rate = np.divide(weight, inside, out=np.zeros(size), where=inside > 0)
            up, up_rate = by_rate.reshape((2,) * n).copy(), (by_rate * rate).reshape((2,) * n).copy()
            for axis in range(n):
                for array in (up, up_rate):
                    np.moveaxis(array, axis, 0)[0] += np.moveaxis(array, axis, 0)[1]
            moved[:, player] = won_of @ up.reshape(-1) - count_of @ up_rate.reshape(-1)
    shares = values / values.sum()
    scores = [None] * n
    if has_groups:
        moved = (moved - np.outer(moved.sum(axis=1), shares)) / values.sum()
        scores = (np.outer(won_of.sum(axis=1), shares) / won.sum() + moved).T
    return list(zip(range(n), values, shares, scores, strict=True))


def with_interval(found, weights):
    """Channel, effect, share and the ends of its interval."""
    for channel, effect, share, score in found:
        ends = (None, None)
        if score is not None:
            ends = share + np.quantile(weights @ (score * np.sqrt(GROUPS / (GROUPS - 1))), [0.025, 0.975])
        yield channel, effect, share, *ends


JOURNEYS = """
create temp table touches as select touchpoint_key, person_key, channel_id, touched_at from '{touches}';
create temp table conversions as
select conversion_key, person_key, 'order' as kind, converted_at, amount from '{conversions}';
create type channel as enum (select distinct channel_id from touches order by channel_id);
create temp table numbers as
select enum_code(channel_id::channel) + 1 as n, channel_id as channel from (select distinct channel_id from touches);
create temp table met as
select conversion_key, person_key, kind, converted_at, amount, touchpoint_key, channel_id,
    epoch(converted_at - touched_at) / 86400 as age, row_number() over path as place,
    count(*) over (partition by conversion_key) as places
from touches join conversions using (person_key)
where touched_at <= converted_at and touched_at > converted_at - interval 30 days
window path as (partition by conversion_key order by touched_at, channel_id, touchpoint_key);
create temp table journeys as
with others as (
    select *, coalesce(touched_at > lag(touched_at) over steps + interval 30 days, true)::int as starts
    from touches anti join met using (touchpoint_key)
    window steps as (partition by person_key order by touched_at, channel_id, touchpoint_key)
),
numbered as (
    select *, sum(starts) over (partition by person_key order by touched_at, channel_id, touchpoint_key) as journey from others
)
select kind, person_key, amount as value, date_trunc('month', converted_at) as month,
    list(enum_code(channel_id::channel) + 1 order by place) as c
from met group by conversion_key, kind, person_key, amount, converted_at
union all
select '', person_key, 0, date_trunc('month', max(touched_at)),
    list(enum_code(channel_id::channel) + 1 order by touched_at, channel_id, touchpoint_key)
from numbered group by person_key, journey
having max(touched_at) + interval 30 days < (select max(touched_at) from touches);
"""
LEDGER = """
create table ledger as
with weights as (
    select *, if(place = 1, 1, 0) as first, if(place = places, 1, 0) as last, 1 / places as linear,
        case when places = 1 then 1 when places = 2 then 0.5 when place in (1, places) then 0.4
            else 0.2 / (places - 2) end as position,
        pow(2, -age / 7) / sum(pow(2, -age / 7)) over (partition by conversion_key) as time_decay
    from met
),
long as (unpivot weights on first, last, linear, position, time_decay into name model value share),
credits as (
    select model, conversion_key, channel_id, converted_at::date as day, max(amount) as amount, sum(share) as credit,
        round(sum(share) * max(amount), 2) as rounded
    from long where share > 0 group by all
)
select model, conversion_key, channel_id, day, credit, rounded + if(
    row_number() over (partition by model, conversion_key order by credit desc, channel_id) = 1,
    amount - sum(rounded) over (partition by model, conversion_key), 0
) as amount
from credits;
create table daily as
select model, channel_id, day, sum(credit) as credit, sum(amount) as amount from ledger group by all;
"""
COUNTS = """
create temp table paths as
select row_number() over () as path, list_concat([0, 0, 0, 0]::bigint[], c::bigint[]) as c, c as journey
from (select distinct c from journeys);
create temp table counts as
select kind, path, (hash(person_key) % 128)::int as grp, month, count(*) as n, sum(value)::double as value
from journeys join paths on journeys.c = paths.journey group by all;
create temp table steps as
with places as (select path, c, unnest(range(5, len(c) + 1)) as i from paths)
select path, c[i-1] + 1000 * c[i-2] + 1000000 * c[i-3] + 1000000000 * c[i-4] as a,
    c[i] + 1000 * c[i-1] + 1000000 * c[i-2] + 1000000000 * c[i-3] as b
from places
union all
select path, c[-1] + 1000 * c[-2] + 1000000 * c[-3] + 1000000000 * c[-4], 0 from paths;
create temp table grams as
select b as gram, sum(n) as n from steps join (select path, sum(n) as n from counts group by path) using (path)
where b > 0 group by b;
create temp table states as
select * from (
    select gram % 1000000 as state, sum(n) as n from grams where gram >= 1000 group by 1
    union all select gram % 1000000000, sum(n) from grams where gram >= 1000000 group by 1
    union all select gram, n from grams where gram >= 1000000000
) where n >= 20 order by n desc, state limit 1000;
create temp table short as
select gram, coalesce(s4.state, s3.state, s2.state, gram % 1000) as state from grams
left join states s4 on gram >= 1000000000 and s4.state = gram
left join states s3 on gram >= 1000000 and s3.state = gram % 1000000000
left join states s2 on gram >= 1000 and s2.state = gram % 1000000
union all select 0, 0;
create temp table all_steps as
select kind, grp, month, f.state as a, t.state as b, s.a % 1000 as a1, s.b % 1000 as b1, sum(n) as n,
    sum(if(s.b = 0, value, 0)) as value
from steps s join short f on s.a = f.gram join short t on s.b = t.gram join counts using (path)
group by grouping sets ((kind, grp, month, s.a % 1000, s.b % 1000), (kind, month, f.state, t.state), (kind, grp, f.state, t.state));
create temp table channel_steps as
select kind, grp, month, a1 as a, b1 as b, n::double as n, value from all_steps where a is null;
create temp table month_steps as select kind, month, a, b, n::double as n, value from all_steps where grp is null;
create temp table group_steps as select kind, grp, a, b, n::double as n, value from all_steps where month is null;
create temp table visits as
with firsts as (select path, list_distinct(c[5:]) as d, c from paths)
select path, unnest(d) as channel, len(d) as k, unnest([list_position(c[5:], x) for x in d]) as place from firsts;
create temp table ranked as
select *, row_number() over (partition by path order by place) as position from visits;
create temp table shares as
select kind, channel, grp, month, sum(n)::double as n, sum(n / k) as shared, sum(value) as value, sum(value / k) as shared_value
from counts join visits using (path) group by all;
create temp table positions as
select kind, channel, position, month, sum(n)::double as n, sum(n / k) as shared, sum(value / k) as shared_value
from counts join ranked using (path) where kind <> '' group by all;
create temp table players as
select channel as n, least(row_number() over (order by sum(n) desc, channel), 12) - 1 as bit from shares group by channel;
create temp table set_of_path as
select path, bit_or(1 << bit) as bits from visits join players on channel = players.n group by path;
create temp table sets as
select kind, bits, grp, month, sum(n)::double as n from counts join set_of_path using (path) group by all;
create temp table persons as
select kind, channel, month, count(distinct person_key) as persons from (
    select kind, enum_code(channel_id::channel) + 1 as channel, date_trunc('month', converted_at) as month, person_key from met
) group by grouping sets ((kind, channel), (kind, channel, month));
"""
MARTS = """
create table credits as
with totals as (
    select kind, month, sum(shared) as n, sum(shared_value) as value from shares where kind <> ''
    group by grouping sets ((kind, month), (kind))
),
wide as (
    select kind, month, model, channel,
        max(share) filter (basis = 'n') as share, coalesce(max(share) filter (basis = 'value'), null) as value_share,
        max(low) filter (basis = 'n') as low, max(high) filter (basis = 'n') as high
    from effects group by all
)
select w.kind, w.month, model, w.channel, round(share * t.n, 6) as credit, round(value_share * t.value, 2) as amount,
    low * t.n as low, high * t.n as high, persons
from wide w join totals t on w.kind = t.kind and w.month is not distinct from t.month
join numbers on w.channel = numbers.channel
left join persons p on p.kind = w.kind and p.channel = numbers.n and p.month is not distinct from w.month;
create table monthly as from credits where month is not null;
create table total as from credits where month is null;
create table removal_effects as from effects where model like 'markov%';
create table shapley as
select kind, month, channel, position, sum(shared) as value, sum(shared_value) as amount, sum(n) as n from positions
group by grouping sets ((kind, channel, position, month), (kind, channel, position))
union all by name select kind, month, channel_numbers.n as channel, effect as value from effects
join numbers as channel_numbers using (channel) where model = 'shapley_rate';
"""
CREDITS = """
select model, channel_id, sum(credit)::double from daily group by all
union all
select 'markov', channel, credit from total where model = 'markov_order_1'
"""
