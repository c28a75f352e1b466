-- name: rule_totals_of_every_rule
-- table: attribution.rule_totals
-- severity: fail
-- why: Every shortfall is shared under all rules that the policy compares, and there is no comparison without one.
-- source: rules.md 14
with expected as (
    select currency, rule, shortfall
    from session_losses
    cross join compared_rules
    where shortfall > 0
)
select currency, rule, expected.shortfall, totals.shortfall as shortfall_shared
from expected
full join rule_totals as totals using (currency, rule)
where expected.shortfall is distinct from totals.shortfall
