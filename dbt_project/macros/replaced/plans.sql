{#- The plans of the models that are `replaced`, one macro a model, named after it. A plan says
    compares: inputs that are built whole: their rows, and by which columns they are compared with those last seen;
    days_of: of compared inputs that stand for rows of others: those rows, by which key they are stood for, and their day;
    reads: inputs that are replaced themselves and hand on what changed;
    scope: which keys and days are to be replaced, by what changed; more than needed is right, less is not;
    where: which of the model's rows are in that scope, as its SQL says with `within`: conditions of which one is enough;
    hands_on: what the models that read this one ask of its changed rows;
    day: by which date or moment of its rows the table is parted, where an engine replaces whole parts of one;
    is_in_order: whether a whole build puts the rows in the order of `day`, where they are not parted by it.

    What a scope reaches: a path depends on all touches and conversions of its person, so a changed touch, conversion or
    identity means all conversions and journeys of the people concerned, before and after. All credits of a conversion
    are replaced together. -#}

{#- Keys whose rows differ from those last seen; `differing('records', 'conversion_key')`. -#}
{% macro differing(input, column) -%}
    select {{ column }} from {{ working_table('differing__' ~ input) }} where {{ column }} is not null
{%- endmacro %}

{#- Keys, or days, of the rows of an input that changed since this model was last built. -#}
{% macro handed_on(input, kind) -%}
    select changed_{{ 'day' if kind == 'day' else 'key' }} from {{ replaced_relation('changes', input) }}
    where
        change_kind = '{{ kind }}'
        and change_number > (select change_number from {{ replaced_relation('read') }} where input = '{{ input }}')
{%- endmacro %}

{#- What a plan says of the staged rows of a form that changed: models that are replaced themselves hand on their days, or
    other kinds of keys, and the rows of the others are compared by them. `by` holds the expression of each kind. -#}
{% macro staged_changes(form, columns, by) %}
    {%- set reads, compared, expressions, changed = [], [], {}, {} -%}
    {%- for kind, expression in by.items() -%}
        {%- do expressions.update({'changed_' ~ kind: day_or_none(expression) if kind == 'day' else expression}) -%}
        {%- do changed.update({kind: []}) -%}
    {%- endfor -%}
    {%- for platform in var('staged_' ~ form) -%}
        {%- set staged = 'stg_' ~ platform ~ '__' ~ form -%}
        {%- if 'replaced_' ~ staged in context -%}
            {%- do reads.append(staged) -%}
            {%- for kind in by -%}{%- do changed[kind].append(handed_on(staged, kind)) -%}{%- endfor -%}
        {%- else -%}
            {%- do compared.append(platform) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if compared -%}
        {%- for kind in by -%}{%- do changed[kind].append(differing(form, 'changed_' ~ kind)) -%}{%- endfor -%}
    {%- endif -%}
    {%- set rows = {'rows': union_staged(form, columns, compared), 'by': expressions} -%}
    {{ return({'compares': {form: rows} if compared else {}, 'reads': reads, 'changed': changed}) }}
{% endmacro %}

{#- The days that somebody asked to replace whatever changed (make run DAYS=...). -#}
{% macro asked_days() -%}
    select date_day
    from (
        {{ day_series('first_day', 'last_day') }}
        from {{ api.Relation.create(database=this.database, schema='replaced', identifier='asked_days') }}
    ) as asked_days
{%- endmacro %}

{#- A scope of days. -#}
{% macro days_scope(queries) -%}
    select 'day' as scope_kind, null as scope_key, scope_day
    from (
        {%- for query in queries + [asked_days()] %}
        select * from ({{ query }}) as part(scope_day)
        {{- ' union all ' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#- A scope of keys of one kind. -#}
{% macro keys_scope(kind, queries) -%}
    select '{{ kind }}' as scope_kind, scope_key, null as scope_day
    from (
        {%- for query in queries %}
        select * from ({{ query }}) as part(scope_key)
        {{- ' union all ' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#- All conversions of people, given as a query. -#}
{% macro conversions_of(people) -%}
    select conversion_key from {{ ref('int_conversions') }} where person_key in ({{ people }})
{%- endmacro %}

{#- Conversions that somebody asked for by their day. -#}
{% macro asked_conversions() -%}
    select conversion_key from {{ ref('int_conversions') }} where converted_date in ({{ asked_days() }})
{%- endmacro %}

{#- A line holds its time, so a day depends on its own lines only: on those of all loads that hold the day, for a line of
    several loads is of the latest. Parsing all times of all lines would take longer than all else that a night does. -#}
{% macro replaced_stg_access_log__requests() %}
    {%- set every_day -%}
        select held_day from {{ remembered_days('loads') }}
        where exists (select 1 from {{ working_table('differing__identity_keys') }})
    {%- endset -%}
    {{ return({
        'compares': {
            'loads': {
                'rows': 'select load_id, file_sha256, export_rank, rows_landed_count, rows_quarantined_count,'
                    ~ ' rows_erased_count from ' ~ ref('stg_landing__loads')
                    ~ " where source_name = 'access_log' and table_name = 'requests'",
                'by': {'load_id': 'load_id'},
            },
            'identity_keys': {
                'rows': 'select key_text from ' ~ source('balcony', 'identity_keys'),
                'by': {'is_there': 'key_text is not null'},
            },
        },
        'days_of': {
            'loads': {
                'rows': source('access_log', 'requests'),
                'key': '_load_id',
                'day': day_or_none(utc_time('access_log', 'requests', 'requested_at')),
            },
        },
        'reads': [],
        'scope': days_scope(['select held_day from ' ~ working_table('differing_days__loads'), every_day]),
        'where': conditions_of({'requested_at': 'day'}),
        'hands_on': {'day': 'requested_at', 'order': 'order_name'},
        'day': 'requested_at',
        'is_in_order': true,
    }) }}
{% endmacro %}

{% macro replaced_stg_access_log__identity_links() %}
    {{ return({
        'compares': {},
        'reads': ['stg_access_log__requests'],
        'scope': keys_scope('order', [handed_on('stg_access_log__requests', 'order')]),
        'where': [in_scope('order', 'other_identifier_value')],
        'hands_on': {
            'identifier': 'identifier_value',
            'other_identifier': 'other_identifier_value',
            'key': surrogate_key(['identifier_type', 'identifier_value']),
            'other_key': surrogate_key(['other_identifier_type', 'other_identifier_value']),
        },
    }) }}
{% endmacro %}

{#- A page opens a visit or not by what its visitor asked for in the half hour before, which may be of the day before. -#}
{% macro replaced_stg_access_log__visits() %}
    {%- set requests = ref('stg_access_log__requests') -%}
    {%- set days_after -%}
        select changed_day + 1 from ({{ handed_on('stg_access_log__requests', 'day') }})
    {%- endset -%}
    {%- set every_day -%}
        select distinct {{ day_or_none('requested_at') }} from {{ requests }}
        where exists (select 1 from {{ working_table('differing__own_hosts') }})
    {%- endset -%}
    {{ return({
        'compares': {
            'own_hosts': {
                'rows': 'select * from (' ~ own_site_hosts(requests) ~ ') as hosts', 'by': {'site_host': 'site_host'},
            },
        },
        'reads': ['stg_access_log__requests'],
        'scope': days_scope([handed_on('stg_access_log__requests', 'day'), days_after, every_day]),
        'where': conditions_of({'visited_at': 'day'}),
        'hands_on': {'day': 'visited_at', 'identifier': 'identifier_value'},
        'day': 'visited_at',
        'is_in_order': true,
    }) }}
{% endmacro %}

{% macro replaced_int_identifiers() %}
    {%- set of_identifier = {'identifier': 'identifier_value'} -%}
    {%- set of_both_ends = {'identifier': 'identifier_value', 'other_identifier': 'other_identifier_value'} -%}
    {%- set sighted = {
        'activities': [['occurred_at'], of_identifier],
        'entanglements': [['occurred_at'], of_identifier],
        'conversions': [['converted_at'], of_identifier],
        'visits': [['visited_at'], of_identifier],
        'identity_links': [['other_identifier_type', 'other_identifier_value', 'linked_at'], of_both_ends],
    } -%}
    {%- set compares, reads, changed = {}, [], [] -%}
    {%- for form, (columns, kinds) in sighted.items() -%}
        {%- set staged = staged_changes(form, ['identifier_type', 'identifier_value'] + columns, kinds) -%}
        {%- do compares.update(staged.compares) -%}
        {%- do reads.extend(staged.reads) -%}
        {%- for kind in kinds -%}{%- do changed.extend(staged.changed[kind]) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return({
        'compares': compares,
        'reads': reads,
        'scope': keys_scope('identifier', changed),
        'where': [in_scope('identifier', 'identifier_value')],
        'hands_on': {'identifier': 'identifier_key'},
    }) }}
{% endmacro %}

{#- All links of both ends of a link that changed. What the ends are is found by their values, before any key is made. -#}
{% macro replaced_int_identity_links() %}
    {%- set staged = staged_changes('identity_links', link_columns(), {
        'identifier': 'identifier_value',
        'other_identifier': 'other_identifier_value',
        'key': surrogate_key(['identifier_type', 'identifier_value']),
        'other_key': surrogate_key(['other_identifier_type', 'other_identifier_value']),
    }) -%}
    {%- set values, keys = staged.changed.identifier + staged.changed.other_identifier, staged.changed.key + staged.changed.other_key -%}
    {{ return({
        'compares': staged.compares,
        'reads': staged.reads,
        'scope': keys_scope('value', values) ~ ' union all ' ~ keys_scope('identifier', keys),
        'where': [in_scope('identifier', 'identifier_key'), in_scope('identifier', 'other_identifier_key')],
        'hands_on': {'identifier': 'identifier_key', 'other_identifier': 'other_identifier_key'},
    }) }}
{% endmacro %}

{% macro link_columns() %}
    {{ return([
        'identifier_type', 'identifier_value', 'other_identifier_type', 'other_identifier_value', 'link_reason', 'linked_at',
    ]) }}
{% endmacro %}

{#- A link that comes or goes concerns all identifiers of the people at its two ends, as they were known; so both ends of a
    link are in the scope or neither is. Whose links did not suffice for a person may belong to anybody. -#}
{% macro replaced_int_people() %}
    {%- set changed -%}
        {{ handed_on('int_identifiers', 'identifier') }}
        union all {{ handed_on('int_identity_links', 'identifier') }}
        union all {{ handed_on('int_identity_links', 'other_identifier') }}
    {%- endset -%}
    {%- set of_their_people -%}
        select identifier_key from {{ this }}
        where
            person_key is null
            or person_key in (select person_key from {{ this }} where identifier_key in ({{ changed }}))
    {%- endset -%}
    {{ return({
        'compares': {},
        'reads': ['int_identifiers', 'int_identity_links'],
        'scope': keys_scope('identifier', [changed, of_their_people]),
        'where': [in_scope('identifier', 'identifier_key')],
        'hands_on': {'identifier': 'identifier_value', 'person': 'person_key'},
    }) }}
{% endmacro %}

{#- An amount depends on the rate of its day, and whether a conversion counts on the orders that it may have paid. -#}
{% macro replaced_int_conversions() %}
    {%- set conversion_key = surrogate_key(['platform_id', 'conversion_id']) -%}
    {%- set staged = staged_changes('conversions', conversion_columns(), {'conversion': conversion_key}) -%}
    {%- set compares = {
        'aliases': {
            'rows': 'select * from ' ~ ref('int_conversion_aliases'),
            'by': {'alias_conversion_key': 'alias_conversion_key'},
        },
        'rates': {
            'rows': 'select * from ' ~ ref('int_exchange_rates'),
            'by': {
                'currency_code': 'currency_code',
                'valid_from_date': 'valid_from_date',
                'valid_to_date': 'valid_to_date',
            },
        },
    } -%}
    {%- do compares.update(staged.compares) -%}
    {%- set of_changed_people -%}
        select conversion_key from {{ this }} where identifier_value in ({{ handed_on('int_people', 'identifier') }})
    {%- endset -%}
    {%- set at_changed_rates -%}
        select conversions.conversion_key
        from {{ this }} as conversions
        inner join {{ working_table('differing__rates') }} as rates
            on
                conversions.currency_code = rates.currency_code
                and conversions.converted_date between rates.valid_from_date and rates.valid_to_date
    {%- endset -%}
    {%- set asked -%}
        select conversion_key from {{ this }} where converted_date in ({{ asked_days() }})
        union all
        select {{ conversion_key }}
        from ({{ union_staged('conversions', ['platform_id', 'conversion_id', 'converted_at']) }}) as staged_conversions
        where {{ reporting_date('converted_at') }} in ({{ asked_days() }})
    {%- endset -%}
    {{ return({
        'compares': compares,
        'reads': staged.reads + ['int_people'],
        'scope': keys_scope('conversion', staged.changed.conversion + [
            differing('aliases', 'alias_conversion_key'), of_changed_people, at_changed_rates, asked,
        ]),
        'where': [in_scope('conversion', 'conversion_key')],
        'hands_on': {'conversion': 'conversion_key', 'person': 'person_key', 'day': 'converted_date'},
    }) }}
{% endmacro %}

{% macro conversion_columns() %}
    {{ return([
        'platform_id', 'conversion_id', 'conversion_kind', 'identifier_type', 'identifier_value', 'region_code', 'gross_amount',
        'currency_code', 'reversed_amount', 'is_fully_reversed', 'converted_at', 'reversed_at', 'reversal_known_as',
    ]) }}
{% endmacro %}

{#- Records on conversions are built whole each night, so they are compared. -#}
{% macro conversion_records() %}
    {{ return({
        'rows': 'select * from ' ~ ref('int_conversion_records'),
        'by': {'conversion_key': 'conversion_key'},
    }) }}
{% endmacro %}

{#- Without a path, a conversion's reason looks at all that its person's identifiers met, and at which days and types of
    identifiers anybody's touch shows. -#}
{% macro replaced_int_conversion_link_states() %}
    {%- set visits = staged_changes('visits', visit_columns(), {'identifier': 'identifier_value'}) -%}
    {%- set people_of_visits -%}
        select person_key from {{ ref('int_people') }} where identifier_value in ({{ visits.changed.identifier | join(' union all ') }})
    {%- endset -%}
    {%- set changed_days = handed_on('int_seen_days', 'day') -%}
    {%- set unknown_since_a_changed_day -%}
        select unknown.conversion_key
        from {{ this }} as unknown
        inner join {{ ref('int_conversions') }} as conversions on unknown.conversion_key = conversions.conversion_key
        where
            unknown.link_state = 'unknown'
            and conversions.converted_at >= (select min(changed_day) from ({{ changed_days }}) as changed)
    {%- endset -%}
    {#- A type that no other day shows has come or gone. -#}
    {%- set unknown_if_types_changed -%}
        select conversion_key from {{ this }}
        where
            link_state = 'unknown'
            and exists (
                select 1
                from ({{ handed_on('int_seen_days', 'type') }}) as changed
                left join (
                    select distinct {{ seen_type() }} as seen_type from {{ ref('int_seen_days') }}
                    where seen_day not in ({{ changed_days }})
                ) as unchanged
                    on changed.changed_key = unchanged.seen_type
                where unchanged.seen_type is null
            )
    {%- endset -%}
    {%- set compares = {'records': conversion_records()} -%}
    {%- do compares.update(visits.compares) -%}
    {{ return({
        'compares': compares,
        'reads': visits.reads + [
            'int_conversions', 'int_conversion_paths', 'int_touchpoints', 'int_people', 'int_seen_days',
        ],
        'scope': keys_scope('conversion', [
            handed_on('int_conversions', 'conversion'),
            handed_on('int_conversion_paths', 'conversion'),
            differing('records', 'conversion_key'),
            conversions_of(handed_on('int_touchpoints', 'person')),
            conversions_of(handed_on('int_people', 'person')),
            conversions_of(people_of_visits),
            unknown_since_a_changed_day,
            unknown_if_types_changed,
            asked_conversions(),
        ]),
        'where': [in_scope('conversion', 'conversion_key')],
        'hands_on': {'conversion': 'conversion_key'},
    }) }}
{% endmacro %}

{% macro replaced_int_activities() %}
    {{ return({
        'compares': {
            'activities': {
                'rows': union_staged('activities', activity_columns()),
                'by': {'activity_day': day_or_none(reporting_date('occurred_at'))},
            },
            'metrics': {
                'rows': 'select * from ' ~ ref('int_metrics'),
                'by': {'activity_day': day_or_none('metric_date')},
            },
        },
        'reads': ['int_people'],
        'scope': days_scope([differing('activities', 'activity_day'), differing('metrics', 'activity_day')])
            ~ ' union all ' ~ keys_scope('identifier', [handed_on('int_people', 'identifier')]),
        'where': [in_scope('day', 'activity_date'), in_scope('identifier', 'identifier_value')],
        'hands_on': {'day': 'activity_date'},
        'day': 'activity_date',
    }) }}
{% endmacro %}

{% macro activity_columns() %}
    {{ return([
        'platform_id', 'native_event', 'activity_id', 'account_id', 'content_id', 'identifier_type', 'identifier_value',
        'activity_count', 'known_as', 'count_basis', 'is_incoming', 'occurred_at', 'is_provisional',
    ]) }}
{% endmacro %}

{% macro replaced_int_touchpoints() %}
    {%- set visits = staged_changes('visits', visit_columns(), {'day': 'visited_at'}) -%}
    {%- set activities = staged_changes('activities', activity_columns(), {'day': 'occurred_at'}) -%}
    {%- set entanglements = staged_changes('entanglements', entanglement_columns(), {'day': 'occurred_at'}) -%}
    {%- set compares = {'records': conversion_records()} -%}
    {%- for staged in [visits, activities, entanglements] -%}{%- do compares.update(staged.compares) -%}{%- endfor -%}
    {%- set touches_in_scope = [] -%}
    {%- for condition in conditions_of({'touched_at': 'day', 'identifier_value': 'identifier'}) -%}
        {%- do touches_in_scope.append('conversion_key is null and ' ~ condition) -%}
    {%- endfor -%}
    {{ return({
        'compares': compares,
        'reads': visits.reads + activities.reads + entanglements.reads + ['int_people', 'int_conversions'],
        'scope': days_scope(visits.changed.day + activities.changed.day + entanglements.changed.day)
            ~ ' union all ' ~ keys_scope('identifier', [handed_on('int_people', 'identifier')])
            ~ ' union all ' ~ keys_scope('conversion', [
                handed_on('int_conversions', 'conversion'), differing('records', 'conversion_key'), asked_conversions(),
            ]),
        'where': touches_in_scope + [in_scope('conversion', 'conversion_key')],
        'hands_on': {'person': 'person_key', 'conversion': 'conversion_key', 'day': reporting_date('touched_at')},
        'day': 'touched_at',
    }) }}
{% endmacro %}

{% macro visit_columns() %}
    {{ return([
        'platform_id', 'visit_id', 'identifier_type', 'identifier_value', 'utm_source', 'utm_medium', 'utm_campaign',
        'referrer_host', 'click_id_name', 'is_bot', 'visited_at',
    ]) }}
{% endmacro %}

{% macro entanglement_columns() %}
    {{ return([
        'platform_id', 'account_id', 'identifier_type', 'identifier_value', 'entanglement_event', 'occurred_at', 'known_as',
    ]) }}
{% endmacro %}

{% macro seen_type() %}concat(identifier_type, ' ', start_platform_id){% endmacro %}

{#- A day in the reporting zone and the UTC days that it overlaps are at most a day apart. -#}
{% macro replaced_int_seen_days() %}
    {%- set visits = staged_changes('visits', ['identifier_type', 'visited_at'], {'day': 'visited_at'}) -%}
    {%- set days_of_touches = [] -%}
    {%- for days_later in ['-1', '0', '1'] -%}
        {%- do days_of_touches.append(
            'select changed_day + ' ~ days_later ~ ' from (' ~ handed_on('int_touchpoints', 'day') ~ ') as touched'
        ) -%}
    {%- endfor -%}
    {{ return({
        'compares': visits.compares,
        'reads': visits.reads + ['int_touchpoints'],
        'scope': days_scope(visits.changed.day + days_of_touches),
        'where': [in_scope('day', 'seen_day')],
        'hands_on': {'day': 'seen_day', 'type': seen_type()},
        'day': 'seen_day',
    }) }}
{% endmacro %}

{% macro replaced_int_traffic_daily() %}
    {%- set visits = staged_changes('visits', visit_columns(), {'day': 'visited_at'}) -%}
    {{ return({
        'compares': visits.compares,
        'reads': visits.reads,
        'scope': days_scope(visits.changed.day),
        'where': [in_scope('day', 'visit_day')],
        'hands_on': {},
        'day': 'visit_day',
    }) }}
{% endmacro %}

{#- A touch or conversion that changed concerns what its person did from that day on, or, as the zone of reports is another,
    from the day before. -#}
{% macro replaced_int_conversion_paths() %}
    {%- set people -%}
        {{ handed_on('int_touchpoints', 'person') }} union all {{ handed_on('int_conversions', 'person') }}
    {%- endset -%}
    {%- set changed_days -%}
        {{ handed_on('int_touchpoints', 'day') }} union all {{ handed_on('int_conversions', 'day') }}
    {%- endset -%}
    {%- set conversions_since_then -%}
        {{ conversions_of(people) }}
        and converted_at >= (select min(changed_day) - 1 from ({{ changed_days }}) as changed)
    {%- endset -%}
    {{ return({
        'compares': {},
        'reads': ['int_conversions', 'int_touchpoints'],
        'scope': keys_scope('conversion', [
            handed_on('int_conversions', 'conversion'),
            handed_on('int_touchpoints', 'conversion'),
            conversions_since_then,
            asked_conversions(),
        ]),
        'where': [in_scope('conversion', 'conversion_key')],
        'hands_on': {'conversion': 'conversion_key'},
        'day': 'touched_at',
    }) }}
{% endmacro %}

{% macro replaced_int_conversion_touches() %}
    {{ return({
        'compares': {},
        'reads': ['int_conversions', 'int_conversion_paths'],
        'scope': keys_scope('conversion', [
            handed_on('int_conversions', 'conversion'),
            handed_on('int_conversion_paths', 'conversion'),
            asked_conversions(),
        ]),
        'where': [in_scope('conversion', 'conversion_key')],
        'hands_on': {'conversion': 'conversion_key'},
        'day': 'touched_at',
    }) }}
{% endmacro %}

{% macro replaced_int_converted_journeys() %}
    {{ return({
        'compares': {},
        'reads': ['int_conversions', 'int_conversion_link_states', 'int_conversion_touches'],
        'scope': keys_scope('conversion', [
            handed_on('int_conversions', 'conversion'),
            handed_on('int_conversion_link_states', 'conversion'),
            handed_on('int_conversion_touches', 'conversion'),
            asked_conversions(),
        ]),
        'where': [in_scope('conversion', 'conversion_key')],
        'hands_on': {'conversion': 'conversion_key'},
        'day': 'converted_date',
    }) }}
{% endmacro %}

{#- Which touches of a person are left over depends on the paths of all conversions of theirs. -#}
{% macro replaced_int_unconverted_journeys() %}
    {{ return({
        'compares': {},
        'reads': ['int_conversions', 'int_touchpoints', 'int_conversion_paths'],
        'scope': keys_scope('person', [
            handed_on('int_touchpoints', 'person'),
            handed_on('int_conversions', 'person'),
            'select person_key from ' ~ ref('int_touchpoints') ~ ' where cast(touched_at as date) in (' ~ asked_days() ~ ')',
        ]),
        'where': [in_scope('person', 'person_key')],
        'hands_on': {},
        'day': 'last_touched_at',
        'is_in_order': true,
    }) }}
{% endmacro %}

{% macro replaced_int_channel_shares() %}
    {{ return({
        'compares': {},
        'reads': ['int_conversions', 'int_conversion_link_states', 'int_conversion_touches'],
        'scope': keys_scope('conversion', [
            handed_on('int_conversions', 'conversion'),
            handed_on('int_conversion_link_states', 'conversion'),
            handed_on('int_conversion_touches', 'conversion'),
            asked_conversions(),
        ]),
        'where': [in_scope('conversion', 'conversion_key')],
        'hands_on': {'conversion': 'conversion_key'},
    }) }}
{% endmacro %}

{% macro replaced_fct_attribution_credits() %}
    {{ return({
        'compares': {},
        'reads': ['int_conversions', 'int_channel_shares'],
        'scope': keys_scope('conversion', [
            handed_on('int_conversions', 'conversion'),
            handed_on('int_channel_shares', 'conversion'),
            asked_conversions(),
        ]),
        'where': [in_scope('conversion', 'conversion_key')],
        'hands_on': {'day': 'entry_date'},
        'day': 'entry_date',
    }) }}
{% endmacro %}

{% macro replaced_channel_attribution_daily() %}
    {{ return({
        'compares': {},
        'reads': ['fct_attribution_credits'],
        'scope': days_scope([handed_on('fct_attribution_credits', 'day')]),
        'where': [in_scope('day', 'attribution_date')],
        'hands_on': {},
        'day': 'attribution_date',
    }) }}
{% endmacro %}

{% macro replaced_channel_participation_daily() %}
    {%- set changed_journeys -%}
        {{ handed_on('int_conversion_touches', 'conversion') }} union all {{ handed_on('int_converted_journeys', 'conversion') }}
    {%- endset -%}
    {{ return({
        'compares': {},
        'reads': ['int_conversions', 'int_conversion_touches', 'int_converted_journeys'],
        'scope': days_scope([
            handed_on('int_conversions', 'day'),
            'select ' ~ day_or_none('converted_date') ~ ' from ' ~ ref('int_conversions')
                ~ ' where conversion_key in (' ~ changed_journeys ~ ')',
        ]),
        'where': [in_scope('day', 'participation_date')],
        'hands_on': {},
        'day': 'participation_date',
    }) }}
{% endmacro %}

{% macro replaced_fct_touchpoints() %}
    {{ return({
        'compares': {},
        'reads': ['int_touchpoints'],
        'scope': days_scope([handed_on('int_touchpoints', 'day')]),
        'where': conditions_of({'touched_date': 'day'}, time='touched_at'),
        'hands_on': {},
        'day': 'touched_date',
    }) }}
{% endmacro %}

{% macro replaced_fct_interactions() %}
    {{ return({
        'compares': {},
        'reads': ['int_activities'],
        'scope': days_scope([handed_on('int_activities', 'day')]),
        'where': [in_scope('day', 'interaction_date')],
        'hands_on': {},
        'day': 'interaction_date',
    }) }}
{% endmacro %}

{% macro replaced_fct_engagements() %}
    {{ return({
        'compares': {},
        'reads': ['int_activities'],
        'scope': days_scope([handed_on('int_activities', 'day')]),
        'where': [in_scope('day', 'engagement_date')],
        'hands_on': {},
        'day': 'engagement_date',
    }) }}
{% endmacro %}
