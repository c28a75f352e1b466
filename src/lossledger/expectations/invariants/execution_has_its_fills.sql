-- name: execution_has_its_fills
-- table: attribution.liquidations
-- severity: fail
-- why: An episode was executed if and only if its positions have liquidation fills, and only these cost fees.
-- source: outputs.md, liquidations and liquidation_positions
with filled as (
    select episode_id, sum(liquidation_fills) as liquidation_fills
    from liquidation_positions
    group by episode_id
)
select episode_id, first_execution_at, filled.liquidation_fills, liquidation_fees
from liquidations
left join filled using (episode_id)
where (first_execution_at is not null) <> (coalesce(filled.liquidation_fills, 0) > 0)
    or (first_execution_at is null and liquidation_fees <> 0)
