{#- A text parsed by one strptime format, as a timestamp without a zone: the wall time as written, or UTC where the
    format has an offset (%z). Null where it does not fit.
    On both engines:
    `parsed_time("'2024-03-31 02:30:00'", '%Y-%m-%d %H:%M:%S')` is `2024-03-31 02:30:00`.
    `parsed_time("'31/Mar/2024:02:30:00 +0200'", '%d/%b/%Y:%H:%M:%S %z')` is `2024-03-31 00:30:00`.
    `parsed_time("'Sun, Mar 31, 2024'", '%a, %b %d, %Y')` is `2024-03-31 00:00:00`.
    `parsed_time("'2024-02-30'", '%Y-%m-%d')` is `null`.
    `parsed_time("'2024-03-31T02:30:00'", '%Y-%m-%dT%H:%M:%S%z')` is `null`. -#}
{% macro parsed_time(expression, format) %}{{ return(adapter.dispatch('parsed_time', 'balcony')(expression, format)) }}{% endmacro %}

{% macro default__parsed_time(expression, format) %}
    {%- if '%z' in format -%}
        timezone('UTC', try_strptime({{ expression }}, '{{ format }}'))
    {%- else -%}
        try_strptime({{ expression }}, '{{ format }}')
    {%- endif -%}
{% endmacro %}

{#- Spark's patterns: one letter takes one digit or two; it parses no names of weekdays, so they are cut off first. -#}
{% macro spark__parsed_time(expression, format) %}
    {%- set named_day = format.startswith('%a') -%}
    {%- set rest = format | replace('%a, ', '') | replace('%a ', '') -%}
    {%- set letters = [
        ('T', "\\'T\\'"), ('Z', "\\'Z\\'"), ('%Y', 'yyyy'), ('%y', 'yy'), ('%m', 'M'), ('%-d', 'd'), ('%d', 'd'), ('%H', 'H'),
        ('%M', 'm'), ('%S', 's'), ('.%f', '[.SSSSSSSSS][.SSSSSS][.SSS]'), ('%b', 'MMM'), ('%z', '[xxx][xx][x]')] -%}
    {%- set pattern = namespace(text=rest) -%}
    {%- for letter, replacement in letters -%}{%- set pattern.text = pattern.text | replace(letter, replacement) -%}{%- endfor -%}
    {%- set text = "regexp_replace(" ~ expression ~ ", '^[A-Za-z]+,? ', '')" if named_day else expression -%}
    {%- if '%z' in format -%}
        {#- Only an instant (ltz) keeps the offset; the cast shows it in the session's zone, which must be UTC. -#}
        case
            when {{ regexp_matches_text(text, '[+-][0-9]{2}(:?[0-9]{2})?( |$)') }}
                then cast(to_timestamp_ltz({{ text }}, '{{ pattern.text }}') as timestamp_ntz)
        end
    {%- else -%}
        cast(try_to_timestamp({{ text }}, '{{ pattern.text }}') as timestamp_ntz)
    {%- endif -%}
{% endmacro %}
