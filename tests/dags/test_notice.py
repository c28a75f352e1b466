"""Notices: which date, which stage, why, what to type; sent where the environment says, and never in the way."""

import json
import logging
import smtplib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any, ClassVar

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


def late(run_type: str) -> dict[str, Any]:
    run = {"run_type": run_type, "partition_key": "2025-10-10", "dag_run_id": "r", "conf": None}
    return {"dag_run": run, "deadline": {"id": "1", "deadline_time": "2025-10-11T06:00:00Z"}}


@pytest.fixture(autouse=True)
def no_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in lossledger_notice.WAYS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


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
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_log_says_what_failed_and_what_to_type(caplog: pytest.LogCaptureFixture) -> None:
    tell_failure(FAILED)
    assert [record.getMessage() for record in caplog.records] == [TEXT]


def test_webhook_and_slack_get_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSLEDGER_NOTICE_WEBHOOK", f"{address}/hook")
    monkeypatch.setenv("LOSSLEDGER_NOTICE_SLACK", f"{address}/hook/slack")
    tell_failure(FAILED)
    webhook, slack = Server.got
    assert slack == {"text": TEXT}
    assert (webhook["date"], webhook["stage"], webhook["text"]) == ("2025-10-10", "check", TEXT)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("{address}/SECRET", "the notice was refused, code 403"),
        ("http://127.0.0.1:1/SECRET", "the notice could not be sent (URLError)"),
        ("SECRET", "the notice could not be sent (ValueError)"),
        ("http://[SECRET", "the notice could not be sent (ValueError)"),
        ("http://127.0.0.1:SECRET/", "the notice could not be sent (InvalidURL)"),
    ],
)
def test_what_cannot_be_sent_is_told_without_its_address(
    address: str, place: str, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is raised, and the other way is still tried. The addresses of webhooks are secrets."""
    monkeypatch.setenv("LOSSLEDGER_NOTICE_WEBHOOK", place.format(address=address))
    monkeypatch.setenv("LOSSLEDGER_NOTICE_SLACK", f"{address}/hook")
    caplog.set_level(logging.DEBUG)
    tell_failure(FAILED)
    assert f"{said}: see LOSSLEDGER_NOTICE_WEBHOOK" in caplog.text
    assert "SECRET" not in caplog.text
    assert Server.got[-1] == {"text": TEXT}


class Mailer:
    """In the place of smtplib.SMTP; notes the calls."""

    calls: ClassVar[list[object]] = []

    def __init__(self, host: str, port: int, timeout: int) -> None:
        self.calls[:] = [(host, port)]

    def __enter__(self) -> "Mailer":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ehlo(self) -> None:
        pass

    def has_extn(self, name: str) -> bool:
        return False

    def starttls(self, context: object) -> None:
        self.calls.append("tls")

    def login(self, user: str, password: str) -> None:
        self.calls.append((user, password))

    def send_message(self, message: Any) -> None:
        self.calls.append((message["From"], message["To"], message["Subject"], message.get_content()))


def test_mail_with_a_login_goes_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtplib, "SMTP", Mailer)
    monkeypatch.setenv("LOSSLEDGER_NOTICE_MAIL", "ops@venue.example, risk@venue.example")
    monkeypatch.setenv("LOSSLEDGER_NOTICE_SMTP", "mail.venue.example:587")
    monkeypatch.setenv("LOSSLEDGER_NOTICE_USER", "lossledger")
    monkeypatch.setenv("LOSSLEDGER_NOTICE_PASSWORD", "secret")
    tell_failure(FAILED)
    title = TEXT.splitlines()[0]
    assert Mailer.calls == [
        ("mail.venue.example", 587),
        "tls",
        ("lossledger", "secret"),
        ("ops@venue.example", "ops@venue.example, risk@venue.example", title, TEXT + "\n"),
    ]


def test_a_late_night_is_told_and_a_late_backfill_is_not(caplog: pytest.LogCaptureFixture) -> None:
    tell_late(late("backfill"))
    assert caplog.text == ""
    tell_late(late("scheduled"))
    [record] = caplog.records
    assert record.getMessage().startswith(
        "Lossledger 2025-10-10 is not published\nit was to be published by 2025-10-11 06:00 UTC\n"
    )


def test_a_task_that_was_killed_has_a_notice_too(caplog: pytest.LogCaptureFixture) -> None:
    """Airflow knows no exception then."""
    tell_failure({"dag_run": FAILED["dag_run"], "ti": FAILED["ti"]})
    assert "it ended without saying why: see its log" in caplog.text


def test_maintenance_that_failed_is_no_date(caplog: pytest.LogCaptureFixture) -> None:
    run = SimpleNamespace(partition_key=None, run_id="scheduled__8")
    tell_failure({"dag_run": run, "ti": SimpleNamespace(task_id="maintain"), "params": {}, "exception": "no"})
    assert caplog.records[0].getMessage().startswith("Lossledger: maintain failed\nno\n")
