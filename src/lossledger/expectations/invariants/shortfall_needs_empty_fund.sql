-- name: shortfall_needs_empty_fund
-- table: attribution.negative_balances
-- severity: fail
-- why: No event is left short while the fund has more than its floor, or the whole of it where all or nothing is paid.
-- source: rules.md 10
with events as (
    select event_id, currency, deficit, fund_draw, shortfall, coalesce(drawn_at, event.ts) as ts,
        -- what the fund pays at the same instant to events that come later; of one unit and time all come at once
        coalesce(sum(fund_draw) over (
            partition by currency, coalesce(drawn_at, event.ts)
            order by (event.ts, account_id, isolation)
            groups between 1 following and unbounded following
        ), 0) as drawn_later
    from negative_balances as event
    cross join session
    where protected
),
-- of an instant only what it leaves: events and entries are many, so they are not joined all with all
balances as (
    select currency, ts, max_by(balance, seq) as balance
    from insurance_fund_ledger
    group by currency, ts
),
left_over as (
    select event_id, event.ts as drawn, event.currency, deficit, fund_draw, draw_rule,
        coalesce(balance, opening) + drawn_later - fund_floor as above_floor
    from events as event
    join insurance_fund_daily as fund on fund.currency = event.currency
    join fund_floors as floors on floors.currency = event.currency and floors.ts = event.ts
    asof left join balances on balances.currency = event.currency and balances.ts <= event.ts
    where shortfall > 0
)
select event_id, drawn, currency, deficit, fund_draw, draw_rule, above_floor
from left_over
where if(draw_rule = 'all_or_nothing', fund_draw > 0 or above_floor >= deficit, above_floor > 0)
