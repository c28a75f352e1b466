-- name: fund_draws_match_events
-- table: attribution.negative_balances
-- severity: fail
-- why: Every draw is booked once in the fund's ledger, for the event that it paid and when the policy lets it draw.
-- source: rules.md 10
with draws as (select * from insurance_fund_ledger where kind = 'draw'),
events as (
    select *, coalesce(drawn_at, ts) as drawn
    from negative_balances
    cross join session
    where fund_draw <> 0
)
select events.event_id, draws.ref, events.currency, events.fund_draw, draws.amount
from events
full join draws on draws.ref = events.event_id and draws.currency = events.currency and draws.ts = events.drawn
where coalesce(events.fund_draw, 0) + coalesce(draws.amount, 0) <> 0
