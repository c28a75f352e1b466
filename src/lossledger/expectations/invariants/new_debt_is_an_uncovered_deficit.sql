-- name: new_debt_is_an_uncovered_deficit
-- table: attribution.receivables_daily
-- severity: fail
-- why: A deficit that nobody covers becomes a debt of the same size.
-- source: rules.md 9
with uncovered as (
    select account_id, currency, isolation, sum(deficit) as deficit
    from negative_balances
    where not protected
    group by account_id, currency, isolation
)
select account_id, currency, isolation, new_debt, uncovered.deficit
from receivables_daily
full join uncovered using (account_id, currency, isolation)
where coalesce(new_debt, 0) <> coalesce(uncovered.deficit, 0)
