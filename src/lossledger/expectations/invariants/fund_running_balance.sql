-- name: fund_running_balance
-- table: attribution.insurance_fund_ledger
-- severity: fail
-- why: Each balance is the one before plus the movement, from the opening on.
-- source: rules.md 10
with steps as (
    select *, lag(balance) over (partition by currency order by seq) as balance_before
    from insurance_fund_ledger
)
select steps.currency, seq, amount, balance, coalesce(balance_before, opening) as balance_before
from steps
left join insurance_fund_daily as fund using (currency)
where coalesce(balance_before, opening, 0) + amount <> balance
