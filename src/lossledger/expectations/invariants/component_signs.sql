-- name: component_signs
-- table: attribution.loss_components
-- severity: fail
-- why: Zero rows are left out; a cushion never enlarges a deficit and a gap never reduces it.
-- source: rules.md 12
select episode_id, component, instrument_id, amount
from loss_components
where amount = 0
    or (component in ('cushion', 'headroom') and amount > 0)
    or (component in ('gap_in_cushion', 'gap_past_bankruptcy') and amount < 0)
