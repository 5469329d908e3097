{#- Whether a purchase at `code` is in `region`: US-CA is in US-CA and in US; everything is where no region is named. -#}
{% macro is_in_region(code, region) %}
(
    {{ region }} is null
    or {{ code }} = {{ region }}
    or {{ code }} like {{ region }} || '-%'
)
{%- endmacro %}
