{#- Whether a touch before a conversion is on its path in a window of configurations: of `paths`, `conversions` and
    `path_windows`. A narrower window keeps at least the last touch: which conversions are unknown must not depend on the
    configuration. -#}
{% macro is_on_path_of_conversion() -%}
    ({{ is_of_kinds('path_windows') }})
    and (
        paths.touch_position = paths.path_length
        or (
            paths.touched_at > {{ plus_days('conversions.converted_at', '-path_windows.lookback_days') }}
            and not (paths.is_spent and path_windows.is_reset_after_conversion)
        )
    )
{%- endmacro %}

{#- Whether a path configuration is of `conversions`' kind. -#}
{% macro is_of_kinds(configuration) -%}
    {{ configuration }}.conversion_kinds is null
    or concat(' ', {{ configuration }}.conversion_kinds, ' ') like concat('% ', conversions.conversion_kind, ' %')
{%- endmacro %}
