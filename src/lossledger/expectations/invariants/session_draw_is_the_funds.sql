-- name: session_draw_is_the_funds
-- table: attribution.session_losses
-- severity: fail
-- why: What the losses say the fund paid is what left the fund.
-- source: rules.md 10
select currency, losses.fund_draw, fund.draws
from session_losses as losses
full join insurance_fund_daily as fund using (currency)
where coalesce(losses.fund_draw, 0) + coalesce(fund.draws, 0) <> 0
