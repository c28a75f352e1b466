-- name: shortfall_needs_empty_fund
-- table: attribution.negative_balances
-- severity: fail
-- why: No event is left short while the fund has more than its floor, at the instant at which its draw is made.
-- source: rules.md 10
with events as (
    select event_id, currency, shortfall, coalesce(drawn_at, ts) as ts
    from negative_balances
    cross join session
),
balances as (
    select event_id, max_by(ledger.balance, ledger.seq) as balance
    from events as event
    join insurance_fund_ledger as ledger on ledger.currency = event.currency and ledger.ts <= event.ts
    group by event_id
)
select event_id, event.ts as drawn, event.currency, shortfall, coalesce(balance, opening) as balance, fund_floor
from events as event
join insurance_fund_daily as fund on fund.currency = event.currency
join fund_floors as floors on floors.currency = event.currency and floors.ts = event.ts
left join balances using (event_id)
where shortfall > 0 and coalesce(balance, opening) > fund_floor
