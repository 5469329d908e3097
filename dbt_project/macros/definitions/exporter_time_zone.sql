{#- The zone of whoever clicked export, for files that write dates in it (X Analytics). -#}
{% macro exporter_time_zone() %}{{ return(env_var('BALCONY_EXPORTER_TIME_ZONE', 'UTC')) }}{% endmacro %}
