-- name: adl_losses_sum
-- table: attribution.session_losses
-- severity: fail
-- why: The losses shared in kind add up.
-- source: outputs.md, session_losses
with totals as (select currency, sum(amount) as amount from adl_losses group by currency)
select currency, adl_loss, totals.amount
from session_losses
full join totals using (currency)
where coalesce(adl_loss, 0) <> coalesce(totals.amount, 0)
