-- name: liquidation_order_of_times
-- table: attribution.liquidations
-- severity: fail
-- why: Trigger, first execution, end: in this order, and executed only if closed by liquidation fills.
-- source: rules.md 8
select episode_id, end_reason, triggered_at, first_execution_at, ended_at
from liquidations
where ended_at < triggered_at or first_execution_at not between triggered_at and ended_at
    or (end_reason = 'flat' and first_execution_at is null)
    or (end_reason = 'self_closed' and first_execution_at is not null)
