-- name: episode_deficit_has_its_event
-- table: attribution.liquidations
-- severity: fail
-- why: No deficit of an episode is lost: it is an event of the same size, less debt that was there before.
-- source: rules.md 8 and 9
select episode_id, account_id, ended_at, episode.deficit, event.deficit as deficit_of_event
from liquidations as episode
left join negative_balances as event using (account_id, currency, isolation)
left join receivables_daily as receivable using (account_id, currency, isolation)
where (event.ts is null or event.ts = ended_at)
    and episode.deficit > coalesce(event.deficit, 0) and receivable.account_id is null
