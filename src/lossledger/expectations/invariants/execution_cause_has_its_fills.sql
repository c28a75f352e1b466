-- name: execution_cause_has_its_fills
-- table: attribution.loss_components
-- severity: fail
-- why: Only liquidation fills have a price to blame: execution, adl and takeover stand where there were such fills.
-- source: rules.md 12
select episode_id, component, instrument_id, amount, liquidation_fills
from loss_components
left join liquidation_positions using (episode_id, instrument_id)
where component in ('execution', 'adl', 'takeover') and coalesce(liquidation_fills, 0) = 0
