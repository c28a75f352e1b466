-- name: takeover_by_adl_has_its_other_side
-- table: attribution.takeovers
-- severity: fail
-- why: Where a liquidator's lot was closed by deleveraging, somebody was deleveraged then, and never under simulated.
-- source: rules.md 15, closing
select lot_id, instrument_id, closed_at, close_fill_id, closed_by
from takeovers
anti join adl_losses on adl_losses.ts = closed_at and adl_losses.instrument_id = takeovers.instrument_id
    and close_fill_id is not null
where closed_by = 'adl'
