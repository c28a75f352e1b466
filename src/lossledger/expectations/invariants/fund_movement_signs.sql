-- name: fund_movement_signs
-- table: attribution.insurance_fund_ledger
-- severity: fail
-- why: Movements of zero are left out, a draw takes from the fund, a surplus or a gain adds to it.
-- source: rules.md 10
select currency, seq, kind, amount
from insurance_fund_ledger
where amount = 0 or (kind = 'draw' and amount > 0)
    or (kind in ('surplus', 'takeover_gain') and amount < 0)
