"""The explorer's server on a small warehouse, and a real Chromium."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.builders import D9, D10, run_dates, small_landing
from tests.docs.pages import ROOT
from tests.scenarios import run_range, write_scenario

NAMES = ("chromium", "chromium-browser", "google-chrome")
SLOW_MS = 120_000  # until a page is there; a machine may be busy


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shots", type=Path, metavar="DIR", help="keep a screenshot of every view")


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    run_dates(small_landing(folder / "landing"), folder / "warehouse", D9, D10)
    write_scenario(folder / "landing", "nobody", policy={"sharing": "none"})
    run_range(folder / "landing", folder / "warehouse", D9, D10, "nobody")
    return folder / "warehouse"


@pytest.fixture(scope="session")
def address(root: Path) -> Iterator[str]:
    """As the command prints it. Ctrl-C ends the command, with code 0."""
    call = [sys.executable, "-m", "lossledger.cli.main", "explore", "--warehouse", str(root), "--port", "0"]
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        printed = server.stdout.readline()
        (found,) = re.findall(r"http://127\.0\.0\.1:\d+", printed)
        yield found
        server.send_signal(signal.SIGINT)
        assert server.wait(600) == 0


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.exit("no Chromium on this machine: apt install chromium (Debian), then make test-browser", 1)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        browser.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, address: str) -> Iterator[Open]:
    """Opens an address of the page and waits until all of it is there."""
    contexts = []

    def opened(
        query: str = "",
        scheme: Literal["light", "dark"] = "light",
        width: int = 1200,
        requested: list[str] | None = None,
    ) -> Page:
        context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SLOW_MS)
        if requested is not None:
            page.on("request", lambda request: requested.append(request.url))
        page.goto(f"{address}/{query}")
        settled(page)
        return page

    yield opened
    for context in contexts:
        context.close()


def settled(page: Page) -> None:
    """The script has ended and nothing is still being fetched or faded in."""
    page.wait_for_selector("h2")
    page.wait_for_selector("text=Link to this view")
    for busy in ("stStatusWidget", "stSkeleton"):
        page.wait_for_selector(f"[data-testid={busy}]", state="detached")
    page.wait_for_timeout(500)
