-- name: liquidation_deficit
-- table: attribution.liquidations
-- severity: fail
-- why: The deficit is how far below zero the unit ended, and only where it was closed.
-- source: rules.md 8
select episode_id, end_reason, terminal_equity, deficit
from liquidations
where deficit <> case when end_reason = 'recovered' then 0 else greatest(-terminal_equity, 0) end
