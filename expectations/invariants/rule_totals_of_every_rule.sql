-- name: rule_totals_of_every_rule
-- table: attribution.rule_totals
-- severity: fail
-- why: Every shortfall is shared under all five rules, and there is no comparison without one.
-- source: rules.md 14
with totals as (
    select currency, count(*) as rules, min(shortfall) as least_shortfall, max(shortfall) as most_shortfall
    from rule_totals
    group by currency
)
select currency, shortfall, rules, least_shortfall, most_shortfall
from session_losses
full join totals using (currency)
where coalesce(rules, 0) <> case when shortfall > 0 then 5 else 0 end
    or least_shortfall <> shortfall
    or most_shortfall <> shortfall
