-- name: charge_within_basis
-- table: attribution.socialised_losses
-- severity: fail
-- why: Nobody is charged more than the profit or equity that the charge is in proportion to.
-- source: rules.md 11
select account_id, currency, basis, charge
from socialised_losses
where charge <= 0 or charge > basis
