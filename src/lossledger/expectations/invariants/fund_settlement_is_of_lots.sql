-- name: fund_settlement_is_of_lots
-- table: attribution.account_daily
-- severity: fail
-- why: A liquidator hands on to the fund what its lots made and its funding, and nobody else settles with the fund.
-- source: rules.md 15, closing; outputs.md, account_daily
with made as (
    select account_id, currency, isolation, sum(result) as result
    from takeovers
    where close_fill_id is not null -- simulated lots have no wallet
    group by account_id, currency, isolation
)
select account_id, currency, isolation, account_type, fund_settlement, made.result, funding
from account_daily
full join made using (account_id, currency, isolation)
where (made.result is not null and account_type is distinct from 'liquidator')
    or fund_settlement <> if(account_type = 'liquidator', -coalesce(made.result, 0) - funding, 0)
