-- name: receivable_opening
-- table: attribution.receivables_daily
-- severity: fail
-- why: A debt starts with what it closed with the day before, and none is forgotten in between.
-- source: outputs.md, receivables_daily
select account_id, currency, isolation, today.opening_debt, previous.closing_debt as closing_of_day_before
from receivables_daily as today
full join previous_receivables_daily as previous using (account_id, currency, isolation)
where coalesce(today.opening_debt, 0) <> coalesce(previous.closing_debt, 0)
