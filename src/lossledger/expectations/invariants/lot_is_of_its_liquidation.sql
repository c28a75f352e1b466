-- name: lot_is_of_its_liquidation
-- table: attribution.takeovers
-- severity: fail
-- why: A lot was taken over from a client, in the course of the liquidation that it names, or its origin is unknown.
-- source: rules.md 15, lots
with lots as (
    select lot_id, episode_id, from_account_id, from_isolation, currency, opened_at from takeovers
    union
    select lot_id, episode_id, from_account_id, from_isolation, currency, opened_at from takeover_inventory
)
select lot_id, lots.episode_id, from_account_id, account_type, opened_at, triggered_at, ended_at
from lots
left join accounts on accounts.account_id = from_account_id
left join liquidations as episode on episode.episode_id = lots.episode_id -- of those that ended in this session
where (lots.episode_id is null) <> (from_account_id is null)
    or (from_isolation is null) <> (from_account_id is null)
    or (from_account_id is not null and account_type is distinct from 'client')
    or from_account_id <> episode.account_id
    or from_isolation <> episode.isolation
    or lots.currency <> episode.currency
    or opened_at not between triggered_at and ended_at
