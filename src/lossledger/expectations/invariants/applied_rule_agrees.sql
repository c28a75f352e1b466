-- name: applied_rule_agrees
-- table: attribution.rule_comparison
-- severity: fail
-- why: Sharing the same loss once more under the rule in force gives the charges that were booked.
-- source: rules.md 11 and 14
with booked as (
    select losses.*
    from socialised_losses as losses
    join compared_rules on rule = losses.method
),
compared as (
    select account_id, currency, comparison.charge
    from rule_comparison as comparison
    join session_losses as losses using (currency)
    where comparison.rule = losses.method
)
select account_id, currency, booked.charge as booked, compared.charge as compared
from booked
full join compared using (account_id, currency)
where coalesce(booked.charge, 0) <> coalesce(compared.charge, 0)
