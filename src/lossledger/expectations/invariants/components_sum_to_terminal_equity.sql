-- name: components_sum_to_terminal_equity
-- table: attribution.loss_components
-- severity: fail
-- why: The causes of a deficit explain all of it: no residual, whatever the rounding.
-- source: rules.md 12 and 13, components
with causes as (select episode_id, sum(amount) as amount from loss_components group by episode_id)
select episode_id, terminal_equity, causes.amount as components
from liquidations
full join causes using (episode_id)
where liquidations.account_id is null or terminal_equity + coalesce(causes.amount, 0) <> 0
