{#- The host of an address, in lower case and without `www.`, port and user; null where there is none. -#}
{% macro url_host(expression) %}
    {%- set pattern =
        '^(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@ ]*@)?(?:www[.])?([^/:?#@ ]+[.][^/:?#@ .]+)[.]?(?:[/:?#]|$)'
    -%}
    {{- regexp_group('lower(trim(' ~ expression ~ '))', pattern) -}}
{% endmacro %}
