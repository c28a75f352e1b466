-- name: liquidation_event_has_its_episode
-- table: attribution.negative_balances
-- severity: fail
-- why: A deficit blamed on a liquidation is of the episode that ended then, and not larger than it.
-- source: rules.md 9
select event_id, event.episode_id, cause, event.deficit, episode.deficit as deficit_of_episode
from negative_balances as event
left join liquidations as episode on episode.episode_id = event.episode_id
    and episode.account_id = event.account_id and episode.currency = event.currency
    and episode.isolation = event.isolation and episode.ended_at = event.ts and end_reason = 'flat'
where (cause = 'liquidation' and (episode.episode_id is null or event.deficit > episode.deficit))
    or (cause in ('trading', 'transfer') and event.episode_id is not null)
