-- name: session_transfers_are_delivered
-- table: attribution.negative_balances
-- severity: fail
-- why: What is said to have been paid in or withdrawn before a loss is what was delivered up to that instant.
-- source: outputs.md, negative_balances; rules.md 9 and 15
with delivered as (
    select event_id, sum(amount) as amount
    from negative_balances as event
    join transfers using (account_id, currency, isolation)
    where transfers.ts <= event.ts and cause <> 'takeover' -- none is named beside the loss of a lot
    group by event_id
)
select event_id, account_id, ts, session_transfers, coalesce(delivered.amount, 0) as delivered
from negative_balances
left join delivered using (event_id)
where session_transfers <> coalesce(delivered.amount, 0)
