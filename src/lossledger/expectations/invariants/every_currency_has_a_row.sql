-- name: every_currency_has_a_row
-- table: attribution.session_losses
-- severity: fail
-- why: A currency without a row would read as one without losses.
-- source: outputs.md, session_losses and insurance_fund_daily
select 'session_losses' as table_name, currency
from session_losses full join currencies using (currency)
where method is null or ledger_unit is null
union all
select 'insurance_fund_daily', currency
from insurance_fund_daily full join currencies using (currency)
where closing is null or ledger_unit is null
