"""Notices: which date, which stage, why, what to type; sent where the environment says, and never in the way."""

import json
import logging
import smtplib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_string
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import ClassVar

import lossledger_notice
import pytest
from lossledger_notice import tell_failure, tell_late

pytestmark = pytest.mark.dags

FAILED = {
    "dag_run": SimpleNamespace(partition_key="2025-10-10", run_id="scheduled__7"),
    "ti": SimpleNamespace(task_id="check"),
    "params": {"warehouse": "/data/w"},
    "exception": ValueError("a data check failed: attribution.positions_daily: expect_column_sum"),
}
TEXT = """Lossledger 2025-10-10 is not published, stage check
a data check failed: attribution.positions_daily: expect_column_sum
Run: scheduled__7
Type: lossledger status --warehouse /data/w   (it says what comes next; docs: operations, What to type)"""


@pytest.fixture(autouse=True)
def no_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in lossledger_notice.WAYS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def apprise(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """A connection of the kind Apprise, as the environment can give Airflow one."""
    services = json.dumps([{"path": address} for address in addresses])
    connection = {"conn_type": "apprise", "extra": {"config": services}}
    monkeypatch.setenv("AIRFLOW_CONN_OPS", json.dumps(connection))
    monkeypatch.setenv("LOSSLEDGER_NOTICE_APPRISE", "ops")


class Server(BaseHTTPRequestHandler):
    """Takes what is posted to /hook, refuses the rest."""

    got: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(json.loads(content))
        self.send_response(200 if self.path.startswith("/hook") else 403)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Server.got.clear()
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_log_says_what_failed_and_what_to_type(caplog: pytest.LogCaptureFixture) -> None:
    tell_failure(FAILED)
    assert [record.getMessage() for record in caplog.records] == [TEXT]


def test_what_apprise_knows_gets_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a webhook; its other services differ in the address alone."""
    apprise(monkeypatch, f"json://{address}/hook")
    tell_failure(FAILED)
    [got] = Server.got
    assert (got["title"], got["message"], got["type"]) == (TEXT.splitlines()[0], TEXT, "failure")


def test_what_cannot_be_sent_is_in_the_log_without_its_address(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is raised, and the other services still get it. The addresses of webhooks are secrets."""
    apprise(monkeypatch, f"json://{address}/SECRET", "json://127.0.0.1:1/SECRET", f"json://{address}/hook")
    caplog.set_level(logging.DEBUG)
    tell_failure(FAILED)
    assert "error=403" in caplog.text
    assert "A Connection error occurred sending JSON" in caplog.text
    assert "SECRET" not in caplog.text
    assert Server.got[-1]["message"] == TEXT


def test_a_connection_that_is_not_there_is_in_the_log(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is raised, and the other way is tried all the same."""
    apprise(monkeypatch, f"json://{address}/hook")
    monkeypatch.setenv("LOSSLEDGER_NOTICE_MAIL", "ops@venue.example")
    tell_failure(FAILED)
    assert "the notice was not sent (AirflowException): see LOSSLEDGER_NOTICE_MAIL" in caplog.text
    assert Server.got[-1]["message"] == TEXT


def test_a_notifier_that_is_not_installed_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.apprise.notifications.apprise", None)
    monkeypatch.setenv("LOSSLEDGER_NOTICE_APPRISE", "ops")
    tell_failure(FAILED)
    assert (
        "airflow.providers.apprise.notifications.apprise is not installed: see LOSSLEDGER_NOTICE_A"
        in caplog.text
    )


class Mailer:
    """In the place of smtplib.SMTP; notes the calls."""

    calls: ClassVar[list[object]] = []

    def __init__(self, host: str, port: int, **_: object) -> None:
        self.calls[:] = [(host, port)]

    def starttls(self, **_: object) -> None:
        self.calls.append("tls")

    def ehlo(self) -> None:
        pass

    def has_extn(self, name: str) -> bool:
        return True

    def login(self, user: str, password: str) -> None:
        self.calls.append((user, password))

    def sendmail(self, from_addr: str, to_addrs: list[str], msg: str) -> None:
        self.calls.append((from_addr, to_addrs, message_from_string(msg)))

    def close(self) -> None:
        pass


def test_mail_goes_by_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """As text in HTML: what a stage said may have anything in it, and is neither a template nor markup."""
    monkeypatch.setattr(smtplib, "SMTP", Mailer)
    monkeypatch.setenv("LOSSLEDGER_NOTICE_MAIL", "ops@venue.example, risk@venue.example")
    connection = {
        "conn_type": "smtp", "host": "mail.venue.example", "port": 587, "login": "lossledger", "password": "secret",
        "extra": {"from_email": "lossledger@venue.example", "disable_ssl": True},
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    tell_failure(FAILED | {"exception": ValueError("{{ 1 + 1 }} rows < 3")})
    *before, (sender, recipients, message) = Mailer.calls
    assert before == [("mail.venue.example", 587), "tls", ("lossledger", "secret")]
    assert (sender, recipients) == ("lossledger@venue.example", ["ops@venue.example", "risk@venue.example"])
    assert message["Subject"] == "Lossledger 2025-10-10 is not published, stage check"
    body = message.get_payload()[0].get_payload(decode=True).decode()
    assert "\n{{ 1 + 1 }} rows &lt; 3\nRun: scheduled__7\n" in body


def test_a_late_date_is_told_with_its_time(caplog: pytest.LogCaptureFixture) -> None:
    run = SimpleNamespace(run_after=datetime(2025, 10, 11, 6, tzinfo=UTC), run_id="scheduled__9")
    tell_late("2025-10-10", "0", {"dag_run": run})
    [record] = caplog.records
    assert record.getMessage().startswith(
        "Lossledger 2025-10-10 is not published\nit was to be published by 2025-10-11 06:00 UTC\n"
    )


def test_a_task_that_was_killed_has_a_notice_too(caplog: pytest.LogCaptureFixture) -> None:
    """Airflow knows no exception then."""
    tell_failure({"dag_run": FAILED["dag_run"], "ti": FAILED["ti"]})
    assert "Airflow lost the task's process: it was killed, or its machine is gone" in caplog.text


def test_maintenance_that_failed_is_no_date(caplog: pytest.LogCaptureFixture) -> None:
    run = SimpleNamespace(partition_key=None, run_id="scheduled__8")
    tell_failure({"dag_run": run, "ti": SimpleNamespace(task_id="maintain"), "params": {}, "exception": "no"})
    assert caplog.records[0].getMessage().startswith("Lossledger: maintain failed\nno\n")


@pytest.mark.parametrize("params", [{}, {"month": "2025-10"}])
def test_a_report_that_failed_names_its_month(
    params: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    run = SimpleNamespace(partition_key=None if params else "2025-10", run_id="r")
    tell_failure(
        {"dag_run": run, "ti": SimpleNamespace(task_id="regulator"), "params": params, "exception": "no"}
    )
    assert (
        caplog.records[0].getMessage().startswith("Lossledger 2025-10: the report for regulator failed\nno\n")
    )
