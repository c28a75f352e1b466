-- name: event_waterfall
-- table: attribution.negative_balances
-- severity: fail
-- why: What the fund did not pay of a covered deficit is its shortfall; an uncovered one is outside the waterfall.
-- source: rules.md 9 and 10
select event_id, currency, protected, deficit, fund_draw, shortfall
from negative_balances
where deficit <= 0 or fund_draw < 0 or shortfall < 0
    or fund_draw + shortfall <> case when protected then deficit else 0 end
