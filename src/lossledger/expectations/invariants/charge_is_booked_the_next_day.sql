-- name: charge_is_booked_the_next_day
-- table: attribution.account_daily
-- severity: fail
-- why: The charge of a session is taken from the payers' wallets in the next, to the last unit.
-- source: outputs.md, account_daily; rules.md 11
with booked as (
    select account_id, currency, sum(socialised_charge) as charge, min(socialised_charge) as least_part
    from account_daily
    group by account_id, currency
)
select account_id, currency, booked.charge as booked, previous.charge as charged
from booked
full join previous_socialised_losses as previous using (account_id, currency)
where coalesce(booked.charge, 0) <> coalesce(previous.charge, 0) or least_part < 0
