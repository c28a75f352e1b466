-- name: account_opening_unrealised
-- table: attribution.account_daily
-- severity: fail
-- why: Positions start with what they were worth when the day before ended, so profits of sessions add up.
-- source: outputs.md, account_daily; rules.md 11
select account_id, currency, isolation, today.opening_unrealised_pnl,
    previous.unrealised_pnl as unrealised_of_day_before
from account_daily as today
full join previous_account_daily as previous using (account_id, currency, isolation)
where coalesce(today.opening_unrealised_pnl, 0) <> coalesce(previous.unrealised_pnl, 0)
