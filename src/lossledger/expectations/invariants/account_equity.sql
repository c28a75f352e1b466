-- name: account_equity
-- table: attribution.account_daily
-- severity: fail
-- why: Equity is the wallet and what the positions are worth.
-- source: outputs.md, account_daily
select account_id, currency, isolation, closing_wallet, unrealised_pnl, equity
from account_daily
where equity <> closing_wallet + unrealised_pnl
