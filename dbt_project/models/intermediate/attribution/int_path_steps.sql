{%- set channels_back = [] -%}
{%- for steps_back in range(5) -%}
{%- set channel_back = list_item('channel_numbers', 'step_position - ' ~ steps_back) -%}
{%- do channels_back.append('coalesce(' ~ channel_back ~ ', 0)') -%}
{%- endfor -%}
with {{ numbered_paths() }},

steps as (
    {{ list_rows(
        'numbered_paths',
        'path_number, channel_numbers',
        'channel_numbers',
        'channel_number',
        'step_position'
    ) }}
),

final as (

    select
        path_number,
        cast(step_position as integer) as step_position,
        {%- for last_channels, skipped in [('from_channels', 1), ('to_channels', 0)] %}
        {%- for steps_back in [3, 2, 1, 0] %}
        {{ '+ ' if not loop.first }}{{ channels_back[skipped + steps_back] }}
        {%- if steps_back %} * {{ 1000 ** steps_back }}{% endif %}
        {%- endfor %} as {{ last_channels }},
        {%- endfor %}
        step_position = {{ list_length('channel_numbers') }} as is_last_step
    from steps

)

select * from final
