-- name: takeover_gain_has_its_movement
-- table: attribution.takeovers
-- severity: fail
-- why: Every gain of a lot is booked with the fund when it is made, and no other is.
-- source: rules.md 15, closing
with made as (
    select currency, closed_at as ts, lot_id, sum(result) as amount
    from takeovers
    where result > 0
    group by currency, ts, lot_id
),
booked as (
    select currency, ts, ref as lot_id, sum(amount) as amount
    from insurance_fund_ledger
    where kind = 'takeover_gain'
    group by currency, ts, lot_id
)
select currency, ts, lot_id, made.amount as made, booked.amount as booked
from made
full join booked using (currency, ts, lot_id)
where made.amount is distinct from booked.amount
