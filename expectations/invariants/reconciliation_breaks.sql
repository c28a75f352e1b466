-- name: reconciliation_breaks
-- table: attribution.reconciliation
-- severity: warn
-- why: Two independent sources disagree by more than rounding explains: published, and to be looked into.
-- source: rules.md 13, independent = true
select rule, key, source_expected, source_actual, expected, actual, break, tolerance
from reconciliation
where independent and abs(break) > tolerance
