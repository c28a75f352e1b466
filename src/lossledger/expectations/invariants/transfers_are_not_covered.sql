-- name: transfers_are_not_covered
-- table: attribution.negative_balances
-- severity: fail
-- why: Protection covers losses, not withdrawals.
-- source: rules.md 9
select event_id, account_id, cause, protected, deficit
from negative_balances
where protected and cause = 'transfer'
