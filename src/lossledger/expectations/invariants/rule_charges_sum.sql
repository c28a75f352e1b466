-- name: rule_charges_sum
-- table: attribution.rule_comparison
-- severity: fail
-- why: The charges under a rule add up to its total, and payers counts them.
-- source: rules.md 14
with charges as (
    select rule, currency, sum(charge) as charge, count(*) as payers, min(charge) as least_charge
    from rule_comparison
    group by rule, currency
)
select rule, currency, charged, charges.charge, totals.payers, charges.payers as accounts_charged
from rule_totals as totals
full join charges using (rule, currency)
where coalesce(charged, 0) <> coalesce(charges.charge, 0)
    or coalesce(totals.payers, 0) <> coalesce(charges.payers, 0)
    or least_charge <= 0
