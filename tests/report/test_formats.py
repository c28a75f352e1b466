"""Page, print and spreadsheet: the same figures, nothing but themselves, the same bytes every time."""

import argparse
import re
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path

import openpyxl
import pytest
from pypdf import PdfReader

from lossledger.cli.main import main
from lossledger.cli.report import stated
from lossledger.engine.errors import ConfigError
from lossledger.engine.numbers import E18
from lossledger.readers.document.as_xlsx import to_number
from lossledger.readers.document.values import Amount, cell_text
from lossledger.readers.report.report_builder import build, gather
from lossledger.readers.report.report_folder import render_files
from lossledger.readers.report.report_request import PUBLIC, REGULATOR, ReportRequest
from tests.report.conftest import DAYS, Made, ask


def test_the_same_published_versions_give_the_same_bytes(made: Made) -> None:
    for name, data in render_files(build(gather(ask(made.root)))).items():
        assert data == (made.public / name).read_bytes(), name


def test_page_asks_nobody_for_anything_and_what_was_said_is_no_markup(made: Made) -> None:
    html = (made.regulator / "report.html").read_text(encoding="utf-8")
    plain = html.replace('xmlns="http://www.w3.org/2000/svg"', "").replace(
        'xmlns:xlink="http://www.w3.org/1999/xlink"', ""
    )
    assert not re.search(r"https?:|//\w|url\((?!#)|@import|<script|<link|<img|<iframe|\bsrc=|\son\w+=", plain)
    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html
    assert "The &lt;b&gt;Venue&lt;/b&gt; &amp; Co #1" in html
    assert "<b>Venue" not in html


def test_contents_lead_to_every_section(made: Made) -> None:
    html = (made.regulator / "report.html").read_text(encoding="utf-8")
    anchors = re.findall(r'href="#([^"]+)"', html.split("<main>")[0])
    assert anchors == re.findall(r'<section id="([^"]+)"', html)
    assert anchors[0] == "result"
    letters = [section["letter"] for section in made.tree()["sections"]]
    assert "".join(letters) == "ABCDEFGHIJKLM"


def test_colours_are_the_page_s_and_every_chart_comes_in_two_widths(made: Made) -> None:
    html = (made.regulator / "report.html").read_text(encoding="utf-8")
    drawings = html.count("<figure>")
    assert drawings
    assert html.count('class="wide"') == html.count('class="narrow"') == drawings
    charts = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert not re.search(r'(fill|stroke)="#[0-9a-f]{6}"', charts)
    assert "var(--blue)" in charts


def test_print_has_the_figures_contents_and_page_numbers(made: Made) -> None:
    pages = PdfReader(made.regulator / "report.pdf").pages
    texts = [page.extract_text() for page in pages]
    assert "Contents" in texts[0]
    assert [f"{n} / {len(pages)}" in text for n, text in enumerate(texts, 1)] == [True] * len(pages)
    width, height = (float(x) for x in pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842)  # A4, in points
    whole = "".join(texts).replace("\u200b", "")
    for row in made.table("waterfall"):
        assert f"{Decimal(row['deficit']['amount']):,f}" in whole
    assert "The <b>Venue</b> & Co #1" in texts[0]


def test_print_has_no_clock_but_that_of_the_newest_publication(made: Made) -> None:
    until = made.tree()["published_until"]
    stamp = PdfReader(made.regulator / "report.pdf").metadata["/CreationDate"]
    assert re.sub(r"\D", "", until)[:14] == re.sub(r"\D", "", stamp)[:14]


def test_spreadsheet_has_a_sheet_for_each_table_and_real_numbers(made: Made) -> None:
    book = openpyxl.load_workbook(made.regulator / "report.xlsx")
    assert book.sheetnames[0] == "Contents"
    assert len(book.sheetnames) == 1 + sum(
        block["kind"] == "table" for section in made.tree()["sections"] for block in section["blocks"]
    )
    sheet = book["waterfall"]
    told = made.table("waterfall")
    for number, row in enumerate(sheet.iter_rows(min_row=4, values_only=True)):
        expected = Decimal(told[number]["deficit"]["amount"])
        assert isinstance(row[2], int | float)
        assert Decimal(f"{row[2]:.15g}") == expected
    assert sheet["A4"].is_date


@pytest.mark.parametrize(
    ("text", "fits"),
    [("0", True), ("123456789.123456", True), ("-9.95", True), ("0.00000001", True), ("1234567890.123456", False),
     ("0.1000000000000001", False), ("100000000000000000000", True)],
)  # fmt: skip
def test_a_number_is_written_where_fifteen_digits_hold_it(text: str, fits: bool) -> None:
    amount = Amount(int(Decimal(text) * E18), unit="USDT")
    number = to_number(amount)
    assert (number is not None) is fits
    assert number is None or Decimal(f"{number:.15g}") == Decimal(text)
    assert cell_text(amount).replace(",", "") == text


def test_a_date_that_is_not_published_is_refused_or_told(made: Made, tmp_path: Path) -> None:
    request = ReportRequest(made.root, DAYS[0], DAYS[1] + timedelta(days=1), PUBLIC)
    with pytest.raises(
        ConfigError, match=r"2025-10-12 is not published .* 2025-10-10 to 2025-10-11.*--allow-missing"
    ):
        gather(request)
    facts = gather(ReportRequest(made.root, request.first, request.last, PUBLIC, allow_missing=True))
    texts = [block.text for block in build(facts).sections[0].blocks if hasattr(block, "text")]
    assert "Not published, and missing in every figure of this report: 2025-10-12." in texts
    arguments = ["report", "--warehouse", str(made.root), "--from", "2025-10-10", "--to", "2025-10-12"]
    assert main([*arguments, "--audience", "public", "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="no date from"):
        gather(ReportRequest(made.root, date(2024, 1, 1), date(2024, 1, 2), PUBLIC, allow_missing=True))


def test_a_report_opens_with_the_result_the_venue_and_what_the_data_are(made: Made) -> None:
    html = unescape((made.regulator / "report.html").read_text(encoding="utf-8"))
    main_part = html.split("<main>")[1]
    assert main_part.index("The data are generated") < main_part.index("The covered deficits were")
    untold = build(gather(ReportRequest(made.root, *DAYS, REGULATOR)))
    first = untold.sections[0].blocks[0]
    assert first.text.startswith("Which venue it is about: not available, nobody has named it.")
    assert "real or generated: not available, nobody has stated it" in first.text


def test_the_environment_names_the_venue_and_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSLEDGER_VENUE", "A Venue")
    monkeypatch.setenv("LOSSLEDGER_DATA", "maybe")
    assert stated(argparse.Namespace(venue="Another", data="real")) == ("Another", "real")
    with pytest.raises(ConfigError, match="LOSSLEDGER_DATA is 'maybe': write real or generated"):
        stated(argparse.Namespace(venue=None, data=None))
    monkeypatch.setenv("LOSSLEDGER_DATA", "generated")
    assert stated(argparse.Namespace(venue=None, data=None)) == ("A Venue", "generated")


def test_a_report_that_cannot_be_written_is_one_line(made: Made, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    arguments = ["report", "--warehouse", str(made.root), "--from", "2025-10-10", "--to", "2025-10-10"]
    assert main([*arguments, "--audience", "public", "--out", str(tmp_path / "file" / "out")]) == 2
