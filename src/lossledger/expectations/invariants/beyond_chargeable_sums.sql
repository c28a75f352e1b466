-- name: beyond_chargeable_sums
-- table: attribution.rule_totals
-- severity: fail
-- why: A rule that does not cap its charges says how much of them is not there to be paid.
-- source: rules.md 14, beyond_chargeable
with charges as (
    select rule, currency, sum(greatest(charge - chargeable, 0)) as beyond
    from rule_comparison
    group by rule, currency
)
select rule, currency, charged, beyond_chargeable, coalesce(charges.beyond, 0) as of_accounts
from rule_totals
left join charges using (rule, currency)
where beyond_chargeable <> coalesce(charges.beyond, 0)
