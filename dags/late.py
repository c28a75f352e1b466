"""Whether the night is late: at the time by which a date is to be published, it asks for it, and tells if it is not.

LOSSLEDGER_PUBLISHED_BY says when (HH:MM, UTC, default: four hours after LOSSLEDGER_SCHEDULE). The time stands in a
schedule of its own, so it is the same however late the night was begun, and a night that was never begun is told too.
Who published the date does not matter. While lossledger_nightly is paused, no date is waited for.
"""

import logging
import os
from datetime import timedelta

from airflow.sdk import DAG, CronPartitionTimetable, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException
from lossledger_dag import (
    NIGHTLY,
    SCHEDULE,
    business_date,
    module_command,
    run_command,
    setting,
    text_param,
    tries,
)
from lossledger_notice import tell_failure, tell_late

log = logging.getLogger(__name__)


def due(published_by: str | None, schedule: str) -> tuple[str, int]:
    """The schedule of the watch (cron), and how many days before it the date is that is due then (-1 or -2).

    `schedule`: the night's, once a day. A time that is not after the night's own hour is on the day after.
    """
    try:
        minute, hour = (int(field) for field in schedule.split()[:2])
        by_hour, by_minute = map(int, published_by.split(":")) if published_by else (hour + 4, minute)
        if not (0 <= minute < 60 and 0 <= hour < 24 and 0 <= by_minute < 60 and 0 <= by_hour < 28):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"LOSSLEDGER_PUBLISHED_BY is {published_by!r} and LOSSLEDGER_SCHEDULE {schedule!r}: HH:MM, and a cron of "
            "one minute and one hour, are what is wanted"
        ) from None
    same_day = (by_hour, by_minute) > (hour, minute) and by_hour < 24
    return f"{by_minute} {by_hour % 24} * * *", -1 if same_day else -2


@task(doc_md="Asks `ops.published_days`; a notice if the date is not there.")
def published_in_time() -> None:
    """Ends well either way: that a date is late is a notice, and no failure of this task."""
    context = get_current_context()
    date, warehouse = business_date(context), str(setting(context, "warehouse"))
    if context["ti"].get_dag(NIGHTLY).is_paused:
        log.info("%s is paused: no date is waited for", NIGHTLY)
        return
    sql = f"SELECT count(*) FROM published_days WHERE business_date = DATE '{date}'"
    command = module_command("lossledger.cli.main", "query", "--warehouse", warehouse, "--format", "csv", sql)
    try:
        found = run_command(command, failures={})
    except AirflowFailException as error:  # no warehouse, or no date in it: so not this one either
        found = str(error)
    if found != "1":
        tell_late(date, found, context)


CRON, DAYS_BEFORE = due(os.environ.get("LOSSLEDGER_PUBLISHED_BY"), SCHEDULE)

with DAG(
    dag_id="lossledger_late",
    description="Tell when the night's date is not published in time",
    doc_md=__doc__,
    schedule=CronPartitionTimetable(CRON, timezone="UTC", run_offset=DAYS_BEFORE, key_format="%Y-%m-%d"),
    catchup=False,
    is_paused_upon_creation=False,  # it goes by whether the night is paused
    max_active_runs=1,
    tags=["lossledger", "nightly"],
    params={
        "business_date": text_param("YYYY-MM-DD, for a run by hand"),
        "warehouse": text_param("instead of LOSSLEDGER_WAREHOUSE"),
    },
    default_args={
        "owner": "lossledger",
        **tries(),
        "execution_timeout": timedelta(minutes=30),
        "on_failure_callback": tell_failure,
    },
) as dag:
    published_in_time()
