-- name: positions_explain_margin
-- table: attribution.liquidation_positions
-- severity: fail
-- why: The margin that was breached is that of the positions held then: none is left out and none is counted twice.
-- source: outputs.md, liquidation_positions; rules.md 6
with held as (
    select episode_id, sum(maintenance_margin) as maintenance_margin
    from liquidation_positions
    group by episode_id
)
select episode_id, maintenance_margin_at_trigger, held.maintenance_margin as of_positions
from liquidations
full join held using (episode_id)
where maintenance_margin_at_trigger is distinct from held.maintenance_margin
