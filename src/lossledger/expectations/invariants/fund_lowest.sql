-- name: fund_lowest
-- table: attribution.insurance_fund_daily
-- severity: fail
-- why: The least balance of the session, which says how near the fund came to being empty.
-- source: outputs.md, lowest
with least_balance as (select currency, min(balance) as balance from insurance_fund_ledger group by currency)
select currency, lowest, opening, least_balance.balance as least_after_a_movement
from insurance_fund_daily
cross join session
left join least_balance using (currency)
where lowest <> case
    when first_date then coalesce(least_balance.balance, 0)
    else least(opening, coalesce(least_balance.balance, opening))
end
