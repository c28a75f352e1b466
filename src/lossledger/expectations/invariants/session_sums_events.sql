-- name: session_sums_events
-- table: attribution.session_losses
-- severity: fail
-- why: The session's losses are those of its events: none counted twice, none left out.
-- source: outputs.md, session_losses
with totals as (
    select currency,
        sum(deficit) filter (where not protected) as unprotected_deficit,
        sum(deficit) filter (where protected) as deficit,
        sum(deficit) filter (where cause = 'takeover') as takeover_deficit,
        sum(fund_draw) as fund_draw,
        sum(shortfall) as shortfall
    from negative_balances
    group by currency
)
select currency, losses.unprotected_deficit, losses.deficit, losses.takeover_deficit,
    losses.fund_draw, losses.shortfall
from session_losses as losses
full join totals using (currency)
where losses.currency is null
    or losses.unprotected_deficit <> coalesce(totals.unprotected_deficit, 0)
    or losses.deficit <> coalesce(totals.deficit, 0)
    or losses.takeover_deficit <> coalesce(totals.takeover_deficit, 0)
    or losses.fund_draw <> coalesce(totals.fund_draw, 0)
    or losses.shortfall <> coalesce(totals.shortfall, 0)
