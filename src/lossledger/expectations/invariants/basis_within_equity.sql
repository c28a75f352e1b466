-- name: basis_within_equity
-- table: attribution.socialised_losses
-- severity: fail
-- why: A basis is never more than what is there, so no charge makes a new deficit by itself.
-- source: rules.md 11
with held as (
    select account_id, currency, sum(greatest(equity, 0)) as most, greatest(sum(equity), 0) as equity
    from account_daily
    group by account_id, currency
)
select account_id, currency, method, basis, coalesce(most, 0) as equity_of_units_above_zero
from socialised_losses
left join held using (account_id, currency)
where basis > coalesce(most, 0) or (method = 'equity_prorata' and basis <> coalesce(equity, 0))
