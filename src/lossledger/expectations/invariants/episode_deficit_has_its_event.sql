-- name: episode_deficit_has_its_event
-- table: attribution.liquidations
-- severity: fail
-- why: No deficit of an episode is lost: it is an event of the same size, less debt that was there before.
-- source: rules.md 8 and 9
select episode.episode_id, episode.account_id, ended_at, episode.deficit, event.deficit as deficit_of_event
from liquidations as episode
left join negative_balances as event on event.account_id = episode.account_id
    and event.currency = episode.currency and event.isolation = episode.isolation and event.ts = ended_at
    and cause <> 'takeover'
anti join receivables_daily as receivable on receivable.account_id = episode.account_id
    and receivable.currency = episode.currency and receivable.isolation = episode.isolation
where episode.deficit <> coalesce(event.deficit, 0) and end_reason <> 'recovered'
