-- name: one_type_and_class_per_account
-- table: attribution.account_daily
-- severity: fail
-- why: Type and class just before the end of the session are one and the same wherever they are published.
-- source: outputs.md; rules.md 11
with named as (
    select 'account_daily' as table_name, account_id, account_type, client_class from account_daily
    union all select 'rule_comparison', account_id, account_type, client_class from rule_comparison
    union all select 'socialised_losses', account_id, 'client', client_class from socialised_losses
    union all select 'protection_daily', account_id, 'client', client_class from protection_daily
),
one as (
    select account_id, min(client_class) as client_class, count(distinct client_class) as classes
    from named
    group by account_id
)
select table_name, account_id, named.account_type, accounts.account_type as declared, named.client_class, classes
from named
left join accounts using (account_id)
join one using (account_id)
where named.account_type is distinct from accounts.account_type or classes > 1
