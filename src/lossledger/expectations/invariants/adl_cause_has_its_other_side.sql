-- name: adl_cause_has_its_other_side
-- table: attribution.loss_components
-- severity: fail
-- why: Whom deleveraging relieved had somebody deleveraged against it, and under simulated execution nobody is.
-- source: rules.md 8 and 12, adl
select episode_id, instrument_id, amount, execution, first_execution_at, ended_at
from loss_components
join liquidations using (episode_id)
cross join session
where component = 'adl'
    and (execution <> 'recorded'
        -- the fills of an episode that began in an earlier session may be of that one
        or ((first_execution_at >= session_start or first_date) and not exists (
            select 1 from adl_losses where ts between first_execution_at and ended_at
        )))
