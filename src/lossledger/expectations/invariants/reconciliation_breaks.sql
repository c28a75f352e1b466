-- name: reconciliation_breaks
-- table: attribution.reconciliation
-- severity: warn
-- why: Two independent sources disagree by more than rounding explains: published, and to be looked into.
-- source: rules.md 13, independent = true
select rule, key, source_expected, source_actual, expected, actual, break, tolerance
from reconciliation
where independent and abs(break) > tolerance
-- what a sum of other rows says once more is no further fact (engine/breaks.py)
    and (rule, key) not in (('liquidation_match', 'matched'), ('trade_zero_sum', 'all'))
