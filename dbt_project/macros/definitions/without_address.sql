{#- A text that others wrote, withheld where something like an e-mail address stands in it: such texts reach marts. -#}
{% macro without_address(expression) %}
    case
        when {{ regexp_matches_text(expression, '[^/@ ](@|%40)[^/@ ]+[.]') }} then '(withheld)'
        else {{ expression }}
    end
{%- endmacro %}
