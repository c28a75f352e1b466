-- name: liquidation_surplus
-- table: attribution.liquidations
-- severity: fail
-- why: Only a residual of a closed unit is forfeited, and then all of it: never beside a deficit.
-- source: rules.md 8, residual
select episode_id, end_reason, terminal_equity, surplus
from liquidations
where surplus < 0 or (surplus > 0 and (end_reason <> 'flat' or surplus <> terminal_equity))
