-- name: receivable_roll_forward
-- table: attribution.receivables_daily
-- severity: fail
-- why: A debt changes by new deficits and by what is paid back, and is never negative.
-- source: outputs.md, receivables_daily; rules.md 9
select account_id, currency, isolation, opening_debt, new_debt, recovered, closing_debt
from receivables_daily
where opening_debt + new_debt - recovered <> closing_debt
    or least(opening_debt, new_debt, recovered, closing_debt) < 0
