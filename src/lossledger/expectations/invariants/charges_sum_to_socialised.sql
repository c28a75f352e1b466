-- name: charges_sum_to_socialised
-- table: attribution.session_losses
-- severity: fail
-- why: The charges add up to the last ledger unit, and payers counts them.
-- source: rules.md 11
with totals as (
    select currency, sum(charge) as charge, count(*) as payers from socialised_losses group by currency
)
select currency, socialised, totals.charge, losses.payers, totals.payers as accounts_charged
from session_losses as losses
full join totals using (currency)
where coalesce(socialised, 0) <> coalesce(totals.charge, 0)
    or coalesce(losses.payers, 0) <> coalesce(totals.payers, 0)
