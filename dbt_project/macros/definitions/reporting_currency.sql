{#- ISO 4217 code into which every amount is converted. -#}
{% macro reporting_currency() %}{{ return(env_var('BALCONY_REPORTING_CURRENCY', 'USD')) }}{% endmacro %}
