-- name: reconciliation_undetermined
-- table: attribution.reconciliation
-- severity: warn
-- why: A comparison that could not be made is no agreement.
-- source: rules.md 13, venue_liquidation_value
select rule, key, source_expected, source_actual, expected
from reconciliation
where actual is null
