-- name: takeover_loss_has_its_event
-- table: attribution.takeovers
-- severity: fail
-- why: Every loss of a lot is a negative balance of the liquidator, of the same size and instant, and no other is.
-- source: rules.md 15, closing
with lost as (select * from takeovers where result < 0 or event_id is not null),
events as (select * from negative_balances where cause = 'takeover')
select lot_id, closed_at, result, event_id, events.deficit, events.ts, events.account_id, protected
from lost
full join events using (event_id)
where lot_id is null or cause is null or not protected or events.deficit <> -result
    or events.episode_id is distinct from lost.episode_id
    or (events.ts, events.account_id, events.isolation, events.currency)
        <> (closed_at, lost.account_id, lost.isolation, lost.currency)
