-- name: session_waterfall
-- table: attribution.session_losses
-- severity: fail
-- why: Every covered deficit is paid by the fund, by accounts, or by nobody: the three add up.
-- source: outputs.md, session_losses; rules.md 13, waterfall
select currency, deficit, fund_draw, shortfall, socialised, uncovered
from session_losses
where deficit <> fund_draw + socialised + uncovered
    or deficit <> fund_draw + shortfall
    or least(unprotected_deficit, deficit, fund_draw, shortfall, socialised, uncovered, basis_total) < 0
