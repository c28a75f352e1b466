-- name: basis_is_of_the_account
-- table: attribution.socialised_losses
-- severity: fail
-- why: What a charge is in proportion to can be computed again from the account's published day, to the last unit.
-- source: rules.md 11; outputs.md, account_daily
with results as (
    select account_id, currency, sum(greatest(equity, 0)) as chargeable, sum(equity) as equity,
        sum(realised_pnl - fees + funding + unrealised_pnl - opening_unrealised_pnl) as profit
    from account_daily
    group by account_id, currency
),
bases as (
    select *, least(greatest(profit, 0), chargeable) as of_profit, greatest(equity, 0) as of_equity
    from results
)
select account_id, currency, method, basis, profit, equity, chargeable
from socialised_losses
left join bases using (account_id, currency)
where basis is distinct from if(method = 'equity_prorata', of_equity, of_profit)
