-- name: inventory_roll_forward
-- table: attribution.takeover_inventory
-- severity: fail
-- why: What was open the day before is closed or open still: no part of a lot is lost, and none comes from nowhere.
-- source: outputs.md, takeovers and takeover_inventory; rules.md 15
with closed as (
    select lot_id, sum(quantity) as quantity, sum(open_value) as open_value, min(opened_at) as opened_at
    from takeovers
    group by lot_id
),
lots as (
    select lot_id,
        previous.quantity as quantity_before, previous.open_value as value_before, previous.open_fee as fee_before,
        coalesce(closed.quantity, 0) as quantity_closed, coalesce(closed.open_value, 0) as value_closed,
        coalesce(today.quantity, 0) as quantity, coalesce(today.open_value, 0) as open_value,
        coalesce(today.open_fee, 0) as open_fee,
        closed.lot_id is null as untouched,
        coalesce(previous.opened_at, closed.opened_at, today.opened_at) as opened_at
    from takeover_inventory as today
    full join closed using (lot_id)
    full join previous_takeover_inventory as previous using (lot_id)
)
select lots.*
from lots
cross join session
where quantity_before <> quantity_closed + quantity
    or value_before <> value_closed + open_value
    -- what a closing takes of the opening fee is in its fees, with its own
    or (untouched and fee_before <> open_fee)
    or (fee_before >= 0 and open_fee not between 0 and fee_before)
    or (fee_before < 0 and open_fee not between fee_before and 0)
    or (quantity_before is null and opened_at < session_start and not first_date)
    or (quantity_before is not null and opened_at >= session_start)
    or opened_at >= session_end
