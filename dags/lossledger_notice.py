"""Notices that a date or a report failed, or that a date is late: in the log always, and by Airflow's notifiers.

Servers, addresses and passwords are Airflow connections. The environment of the tasks says which ones are used:

LOSSLEDGER_NOTICE_MAIL      recipients, separated by commas; sent by the connection `smtp_default`
LOSSLEDGER_NOTICE_APPRISE   a connection of the kind Apprise: Slack, Teams, PagerDuty, a webhook and many more

A notice that cannot be sent is an error in the log and changes nothing else.
"""

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow.sdk.exceptions import AirflowException

KILLED = "Airflow lost the task's process: it was killed, or its machine is gone; see the log of the task"
log = logging.getLogger(__name__)


class Notice(NamedTuple):
    """What a person has to know: which date (or month) and stage, what happened, what to type."""

    date: str
    stage: str
    reason: str
    run: str
    todo: str

    @property
    def title(self) -> str:
        if not self.date:
            return f"Lossledger: {self.stage} failed"
        if len(self.date) == len("YYYY-MM"):
            return f"Lossledger {self.date}: the report for {self.stage} failed"
        return f"Lossledger {self.date} is not published" + (f", stage {self.stage}" if self.stage else "")

    @property
    def text(self) -> str:
        return f"{self.title}\n{self.reason}\nRun: {self.run}\nType: {self.todo}"


def tell_failure(context: Mapping[str, Any]) -> None:
    """For `on_failure_callback`: a task has failed for good.

    Where the task's own process was killed, Airflow's DAG processor calls this, and knows no exception.
    """
    reason = context.get("exception") or context.get("reason") or KILLED
    run, params = context["dag_run"], context.get("params") or {}
    send(
        Notice(
            run.partition_key or params.get("business_date") or params.get("month") or "",
            context["ti"].task_id,
            " ".join(str(reason).split()),
            run.run_id,
            _todo(params),
        )
    )


def tell_late(date: str, found: str, context: Mapping[str, Any]) -> None:
    """A date that was to be published by the time of the run is not. `found`: 0 dates, or why none could be."""
    run = context["dag_run"]
    reason = f"it was to be published by {run.run_after:%Y-%m-%d %H:%M} UTC"
    if found != "0":
        reason += f"; {found}"
    send(Notice(date, "", reason, run.run_id, _todo(context.get("params") or {})))


def _todo(params: Mapping[str, Any]) -> str:
    warehouse = params.get("warehouse") or os.environ.get("LOSSLEDGER_WAREHOUSE") or "W"
    return f"lossledger status --warehouse {warehouse}   (it says what comes next; docs: operations, What to type)"


def send(notice: Notice) -> None:
    """By every way that is set up. Nothing is raised: a notice never changes what became of a task."""
    log.error(notice.text)
    for name, notifier in WAYS.items():
        if target := os.environ.get(name):
            try:
                notifier(target)({"notice": notice})
            except ImportError as error:
                log.error("the notice was not sent, %s is not installed: see %s", error.name, name)
            except (AirflowException, LookupError, OSError, TypeError, ValueError) as error:
                log.error("the notice was not sent (%s): see %s", type(error).__name__, name)


# The text is given as a value: as part of a template, braces in it would be run.
def _by_mail(recipients: str) -> Callable[[Any], None]:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    to = [address.strip() for address in recipients.split(",")]
    return SmtpNotifier(to=to, subject="{{ notice.title }}", html_content="<pre>{{ notice.text | e }}</pre>")


def _by_apprise(connection: str) -> Callable[[Any], None]:
    from airflow.providers.apprise.notifications.apprise import AppriseNotifier

    for name in ("apprise", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)  # below that they show addresses, which hold secrets
    return AppriseNotifier(
        title="{{ notice.title }}",
        body="{{ notice.text }}",
        notify_type="failure",
        apprise_conn_id=connection,
    )


WAYS: Mapping[str, Callable[[str], Callable[[Any], None]]] = {
    "LOSSLEDGER_NOTICE_MAIL": _by_mail,
    "LOSSLEDGER_NOTICE_APPRISE": _by_apprise,
}
