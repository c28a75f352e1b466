-- name: charges_follow_bases
-- table: attribution.socialised_losses
-- severity: fail
-- why: A larger basis never pays less, and equal bases differ by the odd ledger unit at most.
-- source: rules.md 11, largest remainder
with ranked as (
    select *,
        lag(account_id) over by_basis as other_account,
        lag(basis) over by_basis as other_basis,
        lag(charge) over by_basis as other_charge
    from socialised_losses
    window by_basis as (partition by currency order by basis, charge)
)
select account_id, ranked.currency, basis, charge, other_account, other_basis, other_charge
from ranked
join currencies using (currency)
where charge < other_charge or (basis = other_basis and charge - other_charge > ledger_unit)
