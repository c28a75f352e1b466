-- name: fund_sequence
-- table: attribution.insurance_fund_ledger
-- severity: fail
-- why: seq counts from 1 per currency without a gap, in order of time.
-- source: outputs.md, insurance_fund_ledger; rules.md 10
with steps as (
    select *,
        row_number() over (partition by currency order by seq) as expected_seq,
        lag(ts) over (partition by currency order by seq) as ts_before
    from insurance_fund_ledger
)
select currency, seq, expected_seq, ts, ts_before
from steps
where seq <> expected_seq or ts < ts_before
