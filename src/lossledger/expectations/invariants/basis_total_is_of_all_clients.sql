-- name: basis_total_is_of_all_clients
-- table: attribution.session_losses
-- severity: fail
-- why: Every client with a profit, or with equity, is among those in proportion to whom the loss is shared.
-- source: rules.md 11; outputs.md, account_daily
with results as (
    select account_id, currency, sum(greatest(equity, 0)) as chargeable, sum(equity) as equity,
        sum(realised_pnl - fees + funding + unrealised_pnl - opening_unrealised_pnl) as profit
    from account_daily
    where account_type = 'client'
    group by account_id, currency
),
totals as (
    select currency, sum(least(greatest(profit, 0), chargeable)) as of_profit, sum(greatest(equity, 0)) as of_equity
    from results
    group by currency
)
select currency, method, basis_total, of_profit, of_equity
from session_losses
left join totals using (currency)
where basis_total <> case method
    when 'session_profit_prorata' then coalesce(of_profit, 0)
    when 'equity_prorata' then coalesce(of_equity, 0)
    else 0
end
