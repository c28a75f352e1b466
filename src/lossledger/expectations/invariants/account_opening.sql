-- name: account_opening
-- table: attribution.account_daily
-- severity: fail
-- why: A wallet starts with what it closed with the day before, and none is lost in between.
-- source: outputs.md, account_daily
select account_id, currency, isolation, today.opening_wallet, previous.closing_wallet as closing_of_day_before
from account_daily as today
full join previous_account_daily as previous using (account_id, currency, isolation)
where coalesce(today.opening_wallet, 0) <> coalesce(previous.closing_wallet, 0)
