"""The explorer as a person meets it: every view in light and dark, wide and narrow, by keyboard, by link."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from lossledger.readers.explore.views.page_layout import VIEWS
from lossledger.readers.query.sql_query import query_lines
from tests.browser.conftest import Open, settled

LOOKS = [("light", 1200), ("dark", 1200), ("light", 420), ("dark", 420)]
BAD = ("serious", "critical")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_accessible_and_asks_nobody_else(
    open_page: Open,
    address: str,
    request: pytest.FixtureRequest,
    root: Path,
    view: str,
    scheme: str,
    width: int,
) -> None:
    requested: list[str] = []
    page = open_page(f"?view={view}{subject(root, view)}", scheme, width, requested)
    assert page.locator("[data-testid=stException], [data-testid=stAlert]").count() == 0
    keep(page, request.config.getoption("--shots"), f"{view}-{scheme}-{width}.png")
    found = Axe().run(page).response["violations"]
    assert [(bad["id"], bad["nodes"][0]["html"]) for bad in found if bad["impact"] in BAD] == []
    foreign = [url for url in requested if not url.startswith((address, "data:", "blob:"))]
    assert foreign == []


def subject(root: Path, view: str) -> str:
    """What a link to a view with something in it names."""
    if view == "account":
        return "&account=b"
    if view != "event":
        return ""
    sql = "SELECT event_id FROM negative_balances"
    return f"&event={list(query_lines(root, sql, 'csv'))[1]}"


def keep(page: Page, folder: Path | None, name: str) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size or {"width": 1200, "height": 900}
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(height + 20, 4000)})
    page.wait_for_timeout(500)
    page.screenshot(path=folder / name)
    page.set_viewport_size(size)


def test_a_view_is_chosen_by_keyboard_and_stands_in_the_address(open_page: Open) -> None:
    page = open_page()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("h2:has-text('One date')")
    settled(page)
    assert parse_qs(urlsplit(page.url).query)["view"] == ["date"]
    page.reload()
    page.wait_for_selector("h2:has-text('One date')")


def test_a_link_in_a_table_leads_to_its_view(open_page: Open) -> None:
    page = open_page("?view=date")
    link = page.get_by_role("link", name=re.compile("^nb-")).first
    page.goto(urlsplit(page.url)._replace(query=str(link.get_attribute("href")).lstrip("?")).geturl())
    settled(page)
    assert page.get_by_text("Liquidation of account a, 2025-10-10").count() == 1
    assert page.get_by_role("table").count() >= 4


def test_the_csv_is_what_query_writes(open_page: Open, root: Path) -> None:
    page = open_page("?view=account&account=b")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV: 1 row").first.click()
    page.get_by_text("SQL of: What it was charged").click()
    sql = page.locator("[data-testid=stExpander] code").first.inner_text()
    written = Path(download.value.path()).read_text(encoding="utf-8")
    assert written.splitlines() == list(query_lines(root, sql, "csv"))
    assert "20.00" in written


def test_charts_and_tables_have_names(open_page: Open, root: Path) -> None:
    page = open_page(f"?view=event{subject(root, 'event')}")
    named = page.locator("[data-testid=stVegaLiteChart]")
    assert named.count() == 3
    assert (
        page.locator("[role=graphics-document][aria-label*='causes, which add up to 20.00 USD']").count() == 1
    )
