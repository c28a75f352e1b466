-- name: shortfall_needs_empty_fund
-- table: attribution.negative_balances
-- severity: fail
-- why: No event is left short while the fund has more than its floor, at the instant at which its draw is made.
-- source: rules.md 10
with events as (
    select event_id, currency, shortfall, coalesce(drawn_at, ts) as ts
    from negative_balances
    cross join session
    where shortfall > 0
),
-- of an instant only what it leaves: events and entries are many, so they are not joined all with all
balances as (
    select currency, ts, max_by(balance, seq) as balance
    from insurance_fund_ledger
    group by currency, ts
)
select event_id, event.ts as drawn, event.currency, shortfall, coalesce(balance, opening) as balance, fund_floor
from events as event
join insurance_fund_daily as fund on fund.currency = event.currency
join fund_floors as floors on floors.currency = event.currency and floors.ts = event.ts
asof left join balances on balances.currency = event.currency and balances.ts <= event.ts
where coalesce(balance, opening) > fund_floor
