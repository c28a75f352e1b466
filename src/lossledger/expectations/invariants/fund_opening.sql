-- name: fund_opening
-- table: attribution.insurance_fund_daily
-- severity: fail
-- why: The fund starts with what it closed with the day before; on the first date of a warehouse with 0.
-- source: outputs.md, insurance_fund_daily
select currency, today.opening, previous.closing as closing_of_day_before
from insurance_fund_daily as today
full join previous_insurance_fund_daily as previous using (currency)
where coalesce(today.opening, 0) <> coalesce(previous.closing, 0)
