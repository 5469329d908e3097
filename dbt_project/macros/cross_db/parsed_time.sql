{#- A text parsed by one strptime format, as a timestamp without a zone: the wall time as written, or UTC where the
    format has an offset (%z). Null where it does not fit. -#}
{% macro parsed_time(expression, format) %}{{ return(adapter.dispatch('parsed_time', 'balcony')(expression, format)) }}{% endmacro %}

{% macro default__parsed_time(expression, format) %}
    {%- if '%z' in format -%}
        timezone('UTC', try_strptime({{ expression }}, '{{ format }}'))
    {%- else -%}
        try_strptime({{ expression }}, '{{ format }}')
    {%- endif -%}
{% endmacro %}

{% macro spark__parsed_time(expression, format) %}
    {%- set letters = [
        ('%Y', 'yyyy'), ('%m', 'MM'), ('%d', 'dd'), ('%-d', 'd'), ('%H', 'HH'), ('%M', 'mm'), ('%S', 'ss'), ('%f', 'SSS'),
        ('%b', 'MMM'), ('%a', 'EEE'), ('%z', 'Z'), ('T', "\\'T\\'")] -%}
    {%- set pattern = namespace(text=format) -%}
    {%- for letter, replacement in letters -%}{%- set pattern.text = pattern.text | replace(letter, replacement) -%}{%- endfor -%}
    cast(try_to_timestamp({{ expression }}, '{{ pattern.text }}') as timestamp_ntz)
{% endmacro %}
