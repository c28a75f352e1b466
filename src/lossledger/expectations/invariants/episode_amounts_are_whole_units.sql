-- name: episode_amounts_are_whole_units
-- table: attribution.liquidation_positions
-- severity: fail
-- why: Money of tables that name no currency is of their episode's: not finer than its ledger unit either.
-- source: rules.md 1
with amounts as (
    select 'liquidation_positions' as table_name, episode_id, instrument_id,
        unnest([entry_value, maintenance_margin, filled_value]) as amount
    from liquidation_positions
    union all
    select 'loss_components', episode_id, instrument_id, amount from loss_components
)
select table_name, episode_id, instrument_id, amount, currency
from amounts
join liquidations using (episode_id)
join currencies using (currency)
where amount % ledger_unit <> 0
