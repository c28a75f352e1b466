"""Notices that a date failed or is late: always in the log; by webhook, Slack or mail where the environment says so.

A notice that cannot be sent is told in the log and changes nothing else. Addresses hold secrets, so they are
never told. This is what is read from the environment of the tasks:

LOSSLEDGER_NOTICE_WEBHOOK   an address to which the notice is posted as JSON
LOSSLEDGER_NOTICE_SLACK     the address of an incoming webhook of Slack
LOSSLEDGER_NOTICE_MAIL      who gets it by mail, separated by commas; with it
LOSSLEDGER_NOTICE_SMTP      HOST or HOST:PORT (default: localhost:25)
LOSSLEDGER_NOTICE_FROM      the sender (default: the first of the recipients)
LOSSLEDGER_NOTICE_USER, LOSSLEDGER_NOTICE_PASSWORD   a login, which is only ever sent over TLS
"""

import json
import logging
import os
import smtplib
import ssl
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_SECONDS = 10
log = logging.getLogger(__name__)


class Notice(NamedTuple):
    """What a person has to know: which date and stage, what happened, what to type."""

    date: str
    stage: str
    reason: str
    run: str
    todo: str

    @property
    def title(self) -> str:
        if not self.date:
            return f"Lossledger: {self.stage} failed"
        return f"Lossledger {self.date} is not published" + (f", stage {self.stage}" if self.stage else "")

    @property
    def text(self) -> str:
        return f"{self.title}\n{self.reason}\nRun: {self.run}\nType: {self.todo}"


def tell_failure(context: Mapping[str, Any]) -> None:
    """For `on_failure_callback`: a task has failed for good."""
    reason = context.get("exception") or context.get("reason") or "it ended without saying why: see its log"
    run, params = context["dag_run"], context.get("params") or {}
    send(
        Notice(
            run.partition_key or params.get("business_date") or "",
            context["ti"].task_id,
            " ".join(str(reason).split()),
            run.run_id,
            _todo(params),
        )
    )


def tell_late(context: Mapping[str, Any]) -> None:
    """For the deadline: the run has not ended. Dates of a backfill have no time by which they must be there."""
    run = context["dag_run"]
    if run["run_type"] == "backfill":
        return
    conf = run.get("conf") or {}
    date = run.get("partition_key") or conf.get("business_date") or "of today"
    due = str(context["deadline"]["deadline_time"]).replace("T", " ")[:16]
    send(Notice(date, "", f"it was to be published by {due} UTC", run["dag_run_id"], _todo(conf)))


def _todo(params: Mapping[str, Any]) -> str:
    warehouse = params.get("warehouse") or os.environ.get("LOSSLEDGER_WAREHOUSE") or "W"
    return f"lossledger status --warehouse {warehouse}   (it says what comes next; docs: operations, What to type)"


def send(notice: Notice) -> None:
    """By every way that is set up. Nothing is raised: a notice never changes what became of a task."""
    log.error(notice.text)
    for variable, way in WAYS.items():
        address = os.environ.get(variable)
        if address:
            _try(variable, way, address, notice)


def _try(variable: str, way: Callable[[str, Notice], None], address: str, notice: Notice) -> None:
    try:
        way(address, notice)
    except HTTPError as error:
        log.warning("the notice was refused, code %s: see %s", error.code, variable)
    except (OSError, ValueError, HTTPException) as error:
        log.warning("the notice could not be sent (%s): see %s", type(error).__name__, variable)


def _post(address: str, content: Mapping[str, str]) -> None:
    if not address.startswith(("http://", "https://")):
        raise ValueError("no address of the web")
    head = {"Content-Type": "application/json"}
    request = Request(address, json.dumps(content).encode(), head, method="POST")
    with urlopen(request, timeout=_SECONDS):
        pass


def _to_webhook(address: str, notice: Notice) -> None:
    _post(address, {"title": notice.title, "text": notice.text, **notice._asdict()})


def _to_slack(address: str, notice: Notice) -> None:
    _post(address, {"text": notice.text})


def _to_mail(recipients: str, notice: Notice) -> None:
    message = EmailMessage()
    message["Subject"], message["To"] = notice.title, recipients
    message["From"] = os.environ.get("LOSSLEDGER_NOTICE_FROM") or recipients.split(",", maxsplit=1)[0].strip()
    message.set_content(notice.text)
    host, _, port = (os.environ.get("LOSSLEDGER_NOTICE_SMTP") or "localhost").partition(":")
    user = os.environ.get("LOSSLEDGER_NOTICE_USER")
    with smtplib.SMTP(host, int(port or 25), timeout=_SECONDS) as server:
        server.ehlo()
        if user or server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        if user:
            server.login(user, os.environ.get("LOSSLEDGER_NOTICE_PASSWORD") or "")
        server.send_message(message)


WAYS = {
    "LOSSLEDGER_NOTICE_WEBHOOK": _to_webhook,
    "LOSSLEDGER_NOTICE_SLACK": _to_slack,
    "LOSSLEDGER_NOTICE_MAIL": _to_mail,
}
