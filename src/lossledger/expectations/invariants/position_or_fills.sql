-- name: position_or_fills
-- table: attribution.liquidation_positions
-- severity: fail
-- why: A row is of a position held at the start or of liquidation fills, and what was not held is worth nothing.
-- source: outputs.md, liquidation_positions
select episode_id, instrument_id, quantity, entry_value, maintenance_margin,
    liquidation_fills, filled_quantity, filled_value
from liquidation_positions
where (quantity = 0 and liquidation_fills = 0)
    or (quantity = 0 and (entry_value <> 0 or maintenance_margin <> 0))
    or (liquidation_fills > 0) <> (filled_quantity > 0)
    or (liquidation_fills = 0 and filled_value <> 0)
    or least(liquidation_fills, filled_quantity, entry_value, maintenance_margin) < 0
    -- a simulated takeover has a value of whatever sign (rules.md 15)
    or (filled_value < 0 and (episode_id, instrument_id) not in (
        select (episode_id, instrument_id)
        from loss_components
        join liquidations using (episode_id)
        where component = 'takeover' and execution = 'simulated'
    ))
