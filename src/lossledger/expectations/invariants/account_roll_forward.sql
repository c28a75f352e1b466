-- name: account_roll_forward
-- table: attribution.account_daily
-- severity: fail
-- why: Every change of a wallet is of a named kind.
-- source: outputs.md, account_daily; rules.md 13, account_roll_forward
select account_id, currency, isolation, opening_wallet, closing_wallet
from account_daily
where closing_wallet <> opening_wallet + transfers + realised_pnl - fees + funding
    + negative_balance_reset - surplus_forfeited - socialised_charge + fund_settlement
