-- name: fund_draw_keeps_floor
-- table: attribution.insurance_fund_ledger
-- severity: fail
-- why: A draw never takes the fund below its floor.
-- source: rules.md 10
select ledger.currency, seq, ts, amount, balance, fund_floor
from insurance_fund_ledger as ledger
join fund_floors using (currency, ts)
where kind = 'draw' and balance < fund_floor
