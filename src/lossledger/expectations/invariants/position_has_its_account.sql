-- name: position_has_its_account
-- table: attribution.positions_daily
-- severity: fail
-- why: Every open position is in the account's equity, and no equity comes from a position that is not there.
-- source: outputs.md, positions_daily and account_daily
with held as (
    select account_id, currency, isolation, count(*) as positions, bool_or(quantity = 0 or entry_value < 0) as empty
    from positions_daily
    group by account_id, currency, isolation
)
select account_id, currency, isolation, positions, unrealised_pnl
from account_daily
full join held using (account_id, currency, isolation)
where equity is null or empty or (positions is null and unrealised_pnl <> 0)
