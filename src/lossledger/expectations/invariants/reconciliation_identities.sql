-- name: reconciliation_identities
-- table: attribution.reconciliation
-- severity: fail
-- why: What holds by construction and does not is an error in the computation.
-- source: rules.md 13, independent = false
select rule, key, expected, actual, break
from reconciliation
where not independent and break is distinct from 0
