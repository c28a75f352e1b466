-- name: takeover_result_has_its_causes
-- table: attribution.takeovers
-- severity: fail
-- why: What a closing made is explained to the last unit, and is the difference of its two values, fees paid.
-- source: rules.md 15, closing
select lot_id, closed_at, open_value, close_value, fees, result, at_takeover, market_move, execution
from takeovers
where result <> at_takeover + market_move + execution - fees
    or (at_takeover is null) <> (market_move is null)
    or (at_takeover is null) <> (execution is null)
    or abs(result + fees) <> abs(close_value - open_value)
