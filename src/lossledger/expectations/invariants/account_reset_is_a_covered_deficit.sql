-- name: account_reset_is_a_covered_deficit
-- table: attribution.account_daily
-- severity: fail
-- why: Protection puts in just the deficits that it covers.
-- source: rules.md 9 and 15
with covered as (
    select account_id, currency, isolation, sum(deficit) as deficit
    from negative_balances
    where protected and cause <> 'takeover' -- what the fund pays for a lot is a settlement
    group by account_id, currency, isolation
)
select account_id, currency, isolation, negative_balance_reset, covered.deficit
from account_daily
full join covered using (account_id, currency, isolation)
where coalesce(negative_balance_reset, 0) <> coalesce(covered.deficit, 0)
