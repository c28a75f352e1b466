-- name: rule_totals_balance
-- table: attribution.rule_totals
-- severity: fail
-- why: Under every rule the whole shortfall is charged or uncovered, and only the profit floor charges more.
-- source: rules.md 14
select rule, currency, shortfall, charged, to_fund, uncovered
from rule_totals
where charged + uncovered <> shortfall + to_fund
    or least(charged, to_fund, uncovered) < 0
    or (to_fund <> 0 and rule <> 'session_profit_floor')
