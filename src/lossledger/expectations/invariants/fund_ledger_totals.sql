-- name: fund_ledger_totals
-- table: attribution.insurance_fund_daily
-- severity: fail
-- why: The fund's day is the sum of its ledger, kind by kind.
-- source: outputs.md, insurance_fund_daily
with totals as (
    select currency,
        sum(amount) filter (
            where kind not in ('liquidation_fee', 'surplus', 'takeover_gain', 'takeover_funding', 'draw')
        ) as external,
        sum(amount) filter (where kind = 'liquidation_fee') as liquidation_fees,
        sum(amount) filter (where kind = 'surplus') as surplus,
        sum(amount) filter (where kind = 'takeover_gain') as takeover_gains,
        sum(amount) filter (where kind = 'takeover_funding') as takeover_funding,
        sum(amount) filter (where kind = 'draw') as draws,
        count(*) filter (where kind = 'draw') as draw_count
    from insurance_fund_ledger
    group by currency
)
select currency, fund.external, fund.liquidation_fees, fund.surplus, fund.takeover_gains,
    fund.takeover_funding, fund.draws, fund.draw_count
from insurance_fund_daily as fund
full join totals using (currency)
where fund.currency is null
    or fund.external <> coalesce(totals.external, 0)
    or fund.liquidation_fees <> coalesce(totals.liquidation_fees, 0)
    or fund.surplus <> coalesce(totals.surplus, 0)
    or fund.takeover_gains <> coalesce(totals.takeover_gains, 0)
    or fund.takeover_funding <> coalesce(totals.takeover_funding, 0)
    or fund.draws <> coalesce(totals.draws, 0)
    or fund.draw_count <> coalesce(totals.draw_count, 0)
