-- name: house_accounts_stay_out
-- table: attribution.negative_balances
-- severity: fail
-- why: House accounts and liquidators are never triggered, owe nothing and never pay a charge.
-- source: rules.md 3 and 11
with named as (
    select 'negative_balances' as table_name, account_id from negative_balances
    where cause <> 'takeover' -- the fund's own: takeover_loss_has_its_event
    union all select 'liquidations', account_id from liquidations
    union all select 'socialised_losses', account_id from socialised_losses
    union all select 'receivables_daily', account_id from receivables_daily
)
select table_name, account_id
from named
left join accounts using (account_id)
where account_type is distinct from 'client'
