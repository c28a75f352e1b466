-- name: shortfall_is_shared_up_to_the_bases
-- table: attribution.session_losses
-- severity: fail
-- why: The whole shortfall is charged, or all that there is to charge; only the rest is uncovered.
-- source: rules.md 11
select currency, method, shortfall, basis_total, socialised, uncovered
from session_losses
where socialised <> least(shortfall, basis_total) or (method = 'none' and basis_total <> 0)
