-- name: protection_within_account_equity
-- table: attribution.protection_daily
-- severity: fail
-- why: What an account could have paid itself is what its units hold at the end, and no more than its deficit.
-- source: outputs.md, protection_daily; rules.md 11, chargeable
with held as (
    select account_id, currency, sum(greatest(equity, 0)) as equity
    from account_daily
    group by account_id, currency
)
select account_id, currency, deficit, account_equity, held.equity as of_units, within_account_equity
from protection_daily
left join held using (account_id, currency)
where account_equity is distinct from held.equity
    or within_account_equity <> least(deficit, account_equity)
