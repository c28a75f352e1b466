-- name: unprotected_retail_below_zero
-- table: attribution.negative_balances
-- severity: warn
-- why: A retail client owes money after a loss: where protection is the law, the delivered account is wrong, or worse.
-- source: rules.md 9, protected = false of a client_class retail
select event_id, account_id, currency, isolation, cause, deficit
from negative_balances
where client_class = 'retail' and not protected and cause <> 'transfer'
