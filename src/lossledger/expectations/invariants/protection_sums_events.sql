-- name: protection_sums_events
-- table: attribution.protection_daily
-- severity: fail
-- why: What is shown per account is what was booked per risk unit, event by event.
-- source: outputs.md, protection_daily
with covered as (
    select account_id, currency, count(*) as events,
        sum(deficit) as deficit, sum(fund_draw) as fund_draw, sum(shortfall) as shortfall
    from negative_balances
    where protected and cause <> 'takeover'
    group by account_id, currency
)
select account_id, currency, shown.events, shown.deficit, shown.fund_draw, shown.shortfall,
    covered.events as events_of_units, covered.deficit as deficit_of_units
from protection_daily as shown
full join covered using (account_id, currency)
where shown.events is distinct from covered.events
    or shown.deficit is distinct from covered.deficit
    or shown.fund_draw is distinct from covered.fund_draw
    or shown.shortfall is distinct from covered.shortfall
