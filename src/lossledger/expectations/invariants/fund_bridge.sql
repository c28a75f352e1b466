-- name: fund_bridge
-- table: attribution.insurance_fund_daily
-- severity: fail
-- why: Every movement of the fund is of one of six kinds: nothing moves it unnamed.
-- source: outputs.md, insurance_fund_daily; rules.md 13, fund_roll_forward
select currency, opening, external, liquidation_fees, surplus, takeover_gains, takeover_funding, draws, closing
from insurance_fund_daily
where opening + external + liquidation_fees + surplus + takeover_gains + takeover_funding + draws <> closing
