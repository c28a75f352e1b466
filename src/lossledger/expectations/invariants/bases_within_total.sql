-- name: bases_within_total
-- table: attribution.socialised_losses
-- severity: fail
-- why: The payers' bases are part of the total in proportion to which they pay.
-- source: rules.md 11
with totals as (
    select currency, sum(basis) as basis, count(distinct method) as methods, min(method) as method
    from socialised_losses
    group by currency
)
select currency, totals.basis, basis_total, totals.method, losses.method as session_method
from totals
left join session_losses as losses using (currency)
where totals.basis > coalesce(basis_total, 0) or methods > 1 or totals.method is distinct from losses.method
