-- name: account_surplus_is_an_episodes
-- table: attribution.account_daily
-- severity: fail
-- why: What a wallet forfeits is the surplus of its liquidations.
-- source: rules.md 8, residual
with taken as (
    select account_id, currency, isolation, sum(surplus) as surplus
    from liquidations
    group by account_id, currency, isolation
)
select account_id, currency, isolation, surplus_forfeited, taken.surplus
from account_daily
full join taken using (account_id, currency, isolation)
where coalesce(surplus_forfeited, 0) <> coalesce(taken.surplus, 0)
