-- name: chargeable_is_account_equity
-- table: attribution.rule_comparison
-- severity: fail
-- why: What stands beside a compared charge is what the account really has, so that nobody takes it for money.
-- source: rules.md 14, chargeable; 11
with held as (
    select account_id, currency, sum(greatest(equity, 0)) as equity
    from account_daily
    group by account_id, currency
)
select rule, account_id, currency, charge, chargeable, coalesce(held.equity, 0) as of_units
from rule_comparison
left join held using (account_id, currency)
where chargeable <> coalesce(held.equity, 0)
