-- name: reconciliation_is_of_these_tables
-- table: attribution.reconciliation
-- severity: fail
-- why: The identities are told of the very numbers that are published beside them.
-- source: rules.md 13
with stated as (
    select 'fund_roll_forward' as rule, currency as key, closing as amount from insurance_fund_daily
    union all select 'waterfall', currency, fund_draw + socialised + uncovered from session_losses
    union all
    select 'account_roll_forward', currency, coalesce(sum(closing_wallet), 0)
    from currencies left join account_daily using (currency) group by currency
    union all
    select 'components', currency, coalesce(sum(amount), 0)
    from currencies left join liquidations using (currency) left join loss_components using (episode_id)
    group by currency
)
select stated.rule, stated.key, actual, stated.amount as in_its_table
from stated
left join reconciliation using (rule, key)
where actual is distinct from stated.amount
union all
select rule, key, actual, coalesce(sum(quantity), 0)
from reconciliation
left join positions_daily on instrument_id = key
where rule = 'position_zero_sum'
group by rule, key, actual
having actual is distinct from coalesce(sum(quantity), 0)
