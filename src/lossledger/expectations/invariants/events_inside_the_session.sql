-- name: events_inside_the_session
-- table: attribution.negative_balances
-- severity: fail
-- why: Nothing from before the session or after its end is in it: no look-ahead.
-- source: rules.md 11
with events as (
    select 'negative_balances' as table_name, event_id as id, ts from negative_balances
    union all select 'liquidations', episode_id, ended_at from liquidations
    union all select 'insurance_fund_ledger', ref, ts from insurance_fund_ledger
    union all select 'adl_losses', fill_id, ts from adl_losses
    union all select 'takeovers', lot_id, closed_at from takeovers
)
select table_name, id, ts, session_start, session_end
from events
cross join session
where ts >= session_end or (ts < session_start and not first_date)
