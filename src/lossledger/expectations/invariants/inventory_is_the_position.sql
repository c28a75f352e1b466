-- name: inventory_is_the_position
-- table: attribution.takeover_inventory
-- severity: fail
-- why: What a liquidator holds was taken over lot by lot: its open lots are its position, to the last contract.
-- source: rules.md 15, lots
with lots as (
    select account_id, currency, isolation, instrument_id, sum(quantity) as quantity
    from takeover_inventory
    where not regexp_full_match(lot_id, 'lot-[0-9a-f]{20}') -- simulated lots have no unit
    group by account_id, currency, isolation, instrument_id
),
held as (
    select account_id, currency, isolation, instrument_id, quantity
    from positions_daily
    join accounts using (account_id)
    where account_type = 'liquidator'
)
select account_id, currency, isolation, instrument_id, lots.quantity as of_lots, held.quantity as of_position
from lots
full join held using (account_id, currency, isolation, instrument_id)
where lots.quantity is distinct from held.quantity
