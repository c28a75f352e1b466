-- name: takeover_funding_is_the_liquidators
-- table: attribution.insurance_fund_daily
-- severity: fail
-- why: Funding on positions that were taken over is the fund's, all of it and no other.
-- source: rules.md 15, closing
with received as (
    select currency, sum(funding) as funding
    from account_daily
    where account_type = 'liquidator'
    group by currency
)
select currency, takeover_funding, received.funding
from insurance_fund_daily
full join received using (currency)
where coalesce(takeover_funding, 0) <> coalesce(received.funding, 0)
