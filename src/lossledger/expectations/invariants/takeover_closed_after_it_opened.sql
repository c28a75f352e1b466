-- name: takeover_closed_after_it_opened
-- table: attribution.takeovers
-- severity: fail
-- why: Nothing is closed before it was taken over.
-- source: rules.md 15, lots
select lot_id, opened_at, closed_at
from takeovers
where closed_at < opened_at
