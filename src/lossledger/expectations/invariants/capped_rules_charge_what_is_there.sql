-- name: capped_rules_charge_what_is_there
-- table: attribution.rule_comparison
-- severity: fail
-- why: The rules that share in proportion to profit or equity charge clients only, and nobody beyond what it has.
-- source: rules.md 11 and 14
select rule, account_id, currency, account_type, charge, chargeable
from rule_comparison
where rule in ('session_profit_prorata', 'equity_prorata', 'session_profit_floor')
    and (charge > chargeable or account_type <> 'client')
