-- name: fund_ledger_closing
-- table: attribution.insurance_fund_daily
-- severity: fail
-- why: The day closes with the last balance of the ledger, or unmoved with its opening.
-- source: outputs.md, insurance_fund_daily
with last as (select currency, max_by(balance, seq) as balance from insurance_fund_ledger group by currency)
select currency, closing, coalesce(last.balance, opening) as last_balance
from insurance_fund_daily
left join last using (currency)
where closing <> coalesce(last.balance, opening)
