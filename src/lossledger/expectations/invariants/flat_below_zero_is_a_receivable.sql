-- name: flat_below_zero_is_a_receivable
-- table: attribution.account_daily
-- severity: fail
-- why: A flat client never ends below zero unless just that is published as a receivable.
-- source: rules.md 9
with flat as (
    select account_id, currency, isolation, closing_wallet
    from account_daily
    join accounts using (account_id)
    anti join positions_daily using (account_id, currency, isolation)
    where accounts.account_type = 'client'
)
select account_id, currency, isolation, closing_wallet, closing_debt
from flat
left join receivables_daily using (account_id, currency, isolation)
where greatest(-closing_wallet, 0) <> coalesce(closing_debt, 0)
