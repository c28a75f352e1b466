-- name: lot_stays_the_same
-- table: attribution.takeovers
-- severity: fail
-- why: A lot is one position, of one origin and one side, however often it is closed in part.
-- source: outputs.md, takeovers and takeover_inventory; rules.md 15, lots
with named as (
    select lot_id, episode_id, from_account_id, from_isolation, account_id, isolation, currency, instrument_id,
        opened_at, quantity
    from takeovers
    union all
    select lot_id, episode_id, from_account_id, from_isolation, account_id, isolation, currency, instrument_id,
        opened_at, quantity
    from takeover_inventory
    union all
    select lot_id, episode_id, from_account_id, from_isolation, account_id, isolation, currency, instrument_id,
        opened_at, quantity
    from previous_takeover_inventory
)
select lot_id, min(account_id) as account_id, min(instrument_id) as instrument_id, min(quantity) as least_part
from named
group by lot_id
having count(distinct (
    episode_id, from_account_id, from_isolation, account_id, isolation, currency, instrument_id, opened_at,
    sign(quantity)
)) > 1 or bool_or(quantity = 0)
