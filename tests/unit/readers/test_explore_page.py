"""The explorer's page by the framework's own test harness, and the door of its server."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lossledger.cli.main import main
from lossledger.readers.explore.server import OnlyFromHere
from lossledger.readers.explore.views.page_layout import VIEWS
from lossledger.readers.explore.views.widgets import plain_text
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, add_rows, run_dates, small_landing
from tests.docs.pages import ROOT

APP = str(ROOT / "src" / "lossledger" / "readers" / "explore" / "app.py")
SHOWN = {
    "fund": "It paid 0; 20.00 was left short.",
    "date": "Losses of 2025-10-10, and who bore them",
    "event": "Accounts below zero, the largest deficit of each currency first",
    "account": "Accounts that were charged, the largest sum of each currency first",
    "rules": "The rules side by side",
    "scenarios": "Who is charged more or less, the largest difference first",
    "restatements": "No date has been published anew",
}


def look(root: Path, monkeypatch: pytest.MonkeyPatch, **address: str) -> AppTest:
    """The page at an address."""
    monkeypatch.setenv("LOSSLEDGER_WAREHOUSE", str(root))
    page = AppTest.from_file(APP, default_timeout=600)
    for name, value in address.items():
        page.query_params[name] = value
    return page.run()


def texts(page: AppTest) -> str:
    told = [*page.header, *page.subheader, *page.markdown, *page.error]
    return "\n".join(element.value for element in told).replace("\\", "")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_a_link_and_shows_its_tables(
    small: Path, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    page = look(small, monkeypatch, view=view)
    assert not page.exception and not page.error
    assert SHOWN[view] in texts(page)
    link = page.code[-1].value
    assert f"view={view}" in link or view == "fund"
    assert "as_of=" in link
    assert all(code.value.startswith(("SELECT", "WITH")) for code in page.code[:-1])


def test_an_address_leads_to_an_account_of_a_scenario(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    charged = texts(look(small, monkeypatch, view="account", account="b"))
    assert "It was charged 20.00 USD in 1 session," in charged
    nobody = texts(look(small, monkeypatch, view="account", account="b", scenario="nobody"))
    assert "It has never been charged." in nobody


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ({"view": "event", "event": "nb-0' OR true"}, "no published event"),
        ({"as_of": "yesterday"}, "neither a time"),
    ],
)
def test_what_is_not_there_is_one_line(
    small: Path, monkeypatch: pytest.MonkeyPatch, address: dict[str, str], line: str
) -> None:
    page = look(small, monkeypatch, **address)
    (error,) = page.error
    assert line in error.value and not page.exception


def test_names_are_no_markup_and_digits_are_all_there() -> None:
    assert plain_text("a_1*[x](http://y)") == r"a\_1\*\[x\]\(http\:\/\/y\)"
    assert plain_text("-1234567.123456789012345678").replace("\\", "") == "-1,234,567.123456789012345678"
    assert plain_text("-0.5").replace("\\", "") == "-0.5"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"host": "127.0.0.1:8501"}, 200),
        ({"host": "localhost:8501", "origin": "http://localhost:8501"}, 200),
        ({"host": "127.0.0.1:8501", "origin": "https://elsewhere.example"}, 403),
        ({"host": "rebound.example:8501"}, 403),
        ({}, 403),
    ],
)
def test_only_this_machine_is_answered(headers: dict[str, str], code: int) -> None:
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"status": 200})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(OnlyFromHere(inner)({"type": "http", "headers": raw}, None, send))
    assert sent[0]["status"] == code


def test_the_command_ends_with_one_line(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Warehouse.create(tmp_path / "empty")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        calls = {
            (str(tmp_path / "none"), "0"): "is no Lossledger warehouse",
            (str(tmp_path / "empty"), "0"): "no date is published",
            (str(small), port): f"port {port} of 127.0.0.1 cannot be had",
        }
        for (root, asked), says in calls.items():
            assert main(["explore", "--warehouse", root, "--port", asked]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert says in line


def test_a_restated_date_is_told_with_what_it_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deposit of 5 that came late makes the deficit, and the charge for it, 15 instead of 20."""
    landing = small_landing(tmp_path / "landing")
    run_dates(landing, tmp_path / "warehouse", D9, D10)
    add_rows(landing, "transfers", "t3|2025-10-09T08:00:00Z|a|USD||5|deposit", D9)
    run_dates(landing, tmp_path / "warehouse", D9, D10)
    address = {"view": "restatements"}
    page = look(tmp_path / "warehouse", monkeypatch, **address)
    assert not page.exception and not page.error
    changed = page.table[-1].value
    assert changed.iloc[0].tolist()[1:] == [
        r"[USD](?view=fund&currency=USD)", "charged", r"20\.00", r"15\.00", r"\-5\.00"
    ]  # fmt: skip
