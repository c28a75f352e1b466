-- name: fund_draws_in_order
-- table: attribution.insurance_fund_ledger
-- severity: fail
-- why: First come, first served: draws follow each other like their events, after all else of their instant.
-- source: rules.md 10
with steps as (
    select ledger.*, event.ts as event_ts, account_id, isolation,
        lag(kind) over by_seq as kind_before, lag(ledger.ts) over by_seq as ts_before,
        lag((event.ts, account_id, isolation)) over by_seq as event_before
    from insurance_fund_ledger as ledger
    left join negative_balances as event on event_id = if(kind = 'draw', ref, null)
    window by_seq as (partition by ledger.currency order by seq)
)
select currency, seq, ts, kind, ref, event_ts, account_id
from steps
where kind_before = 'draw' and ts = ts_before
    and (kind <> 'draw' or (event_ts, account_id, isolation) < event_before)
