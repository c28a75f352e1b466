-- name: fund_draws_match_events
-- table: attribution.negative_balances
-- severity: fail
-- why: Every draw is booked once in the fund's ledger, for the event that it paid.
-- source: rules.md 10
with draws as (select * from insurance_fund_ledger where kind = 'draw'),
events as (select * from negative_balances where fund_draw <> 0)
select events.event_id, draws.ref, events.currency, events.fund_draw, draws.amount
from events
full join draws on draws.ref = events.event_id and draws.currency = events.currency and draws.ts = events.ts
where coalesce(events.fund_draw, 0) + coalesce(draws.amount, 0) <> 0
