-- name: house_accounts_stay_out
-- table: attribution.negative_balances
-- severity: fail
-- why: House accounts are never triggered, have no negative-balance event and never pay a charge.
-- source: rules.md 3 and 11
with named as (
    select 'negative_balances' as table_name, account_id from negative_balances
    union all select 'liquidations', account_id from liquidations
    union all select 'socialised_losses', account_id from socialised_losses
    union all select 'receivables_daily', account_id from receivables_daily
)
select table_name, account_id
from named
left join accounts using (account_id)
where account_type is distinct from 'client'
