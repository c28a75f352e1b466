-- name: reconciliation_arithmetic
-- table: attribution.reconciliation
-- severity: fail
-- why: A break is actual minus expected, or unknown where the actual value is.
-- source: rules.md 13
select rule, key, expected, actual, break, tolerance
from reconciliation
where break is distinct from actual - expected or tolerance < 0
