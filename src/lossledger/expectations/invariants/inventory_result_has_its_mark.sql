-- name: inventory_result_has_its_mark
-- table: attribution.takeover_inventory
-- severity: fail
-- why: What an open lot would make is known just where its mark is.
-- source: outputs.md, takeover_inventory
select lot_id, instrument_id, mark_price, unrealised_result
from takeover_inventory
where (mark_price is null) <> (unrealised_result is null)
