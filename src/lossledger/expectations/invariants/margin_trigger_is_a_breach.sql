-- name: margin_trigger_is_a_breach
-- table: attribution.liquidations
-- severity: fail
-- why: Nobody is said to have breached with equity above the maintenance margin.
-- source: rules.md 7
select episode_id, trigger, equity_at_trigger, maintenance_margin_at_trigger
from liquidations
where maintenance_margin_at_trigger < 0
    or (trigger = 'margin' and equity_at_trigger > maintenance_margin_at_trigger)
