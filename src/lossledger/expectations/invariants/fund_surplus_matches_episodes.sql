-- name: fund_surplus_matches_episodes
-- table: attribution.liquidations
-- severity: fail
-- why: Every forfeited residual is booked once in the fund's ledger.
-- source: rules.md 8 and 10
with booked as (select * from insurance_fund_ledger where kind = 'surplus'),
forfeited as (select * from liquidations where surplus <> 0)
select forfeited.episode_id, booked.ref, forfeited.surplus, booked.amount
from forfeited
full join booked on booked.ref = forfeited.episode_id
    and booked.currency = forfeited.currency and booked.ts = forfeited.ended_at
where coalesce(forfeited.surplus, 0) <> coalesce(booked.amount, 0)
