{#- An order's name as Shopify prints it, whether or not the `#` survived a spreadsheet or a URL. -#}
{% macro shop_order_name(expression) %}('#' || replace(trim({{ expression }}), '#', '')){% endmacro %}
