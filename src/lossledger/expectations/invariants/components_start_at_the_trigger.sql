-- name: components_start_at_the_trigger
-- table: attribution.loss_components
-- severity: fail
-- why: Cushion, headroom and gaps together are the equity at the trigger: the path starts where it was.
-- source: rules.md 12
with start as (
    select episode_id, sum(amount) as amount
    from loss_components
    where component in ('cushion', 'headroom', 'gap_in_cushion', 'gap_past_bankruptcy')
    group by episode_id
)
select episode_id, equity_at_trigger, start.amount as components
from liquidations
left join start using (episode_id)
where equity_at_trigger + coalesce(start.amount, 0) <> 0
