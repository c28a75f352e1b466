"""One page for people: what happened on published dates, in a single HTML file that needs nothing else."""

from datetime import date
from html import escape
from pathlib import Path

from engine.errors import ConfigError
from engine.figures import clock
from readers.page import cases, checks, rules, sections
from readers.page.causes import causes
from readers.page.data import PublishedRows
from readers.page.html import paragraph
from store.warehouse import Warehouse

# No script, no request: a browser that honours it would refuse them even if a value could smuggle one in.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_SECTIONS = (
    ("fund", "Insurance fund"),
    ("causes", "Causes"),
    ("paid", "Who paid"),
    ("cases", "Largest cases"),
    ("rules", "Other rules"),
    ("checks", "Reconciliation"),
    ("margins", "Nearest to liquidation"),
    ("source", "Made from"),
)


def write_page(warehouse: Warehouse, days: list[date], out: Path, note: str = "") -> None:
    """Write the page on these dates; the same published tables give the same bytes.

    `note` stands below its title: what a reader must know before any number.
    ConfigError: a date is not published, or `out` cannot be written.
    """
    text = page_text(PublishedRows(warehouse, days), note)
    beside = out.with_name(out.name + ".writing")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(out)
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror or error}") from error


def page_text(rows: PublishedRows, note: str = "") -> str:
    first, last = rows.days[0].day, rows.days[-1].day
    period = f"{first}" if first == last else f"{first} to {last}"
    parts = (
        sections.fund(rows),
        causes(rows),
        sections.who_paid(rows),
        cases.largest_cases(rows),
        rules.rule_comparison(rows),
        checks.reconciliation(rows),
        cases.margins(rows),
        checks.made_from(rows),
    )
    body = "".join(parts)
    links = "".join(
        f'<a href="#{anchor}">{title}</a>' for anchor, title in _SECTIONS if f'id="{anchor}"' in body
    )
    told = paragraph(note, "note") if note else ""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Losses and who paid, {period}</title>\n<style>\n{style}</style></head>\n<body>\n"
        f'<header><h1>Losses and who paid</h1><p class="period">{_sessions(rows)}</p>'
        f"{told}"
        f"<nav>{links}</nav></header>\n<main>{sections.headline(rows)}{body}</main>\n</body></html>\n"
    )


def _sessions(rows: PublishedRows) -> str:
    count = len(rows.days)
    start, end = clock(rows.days[0].start), clock(rows.days[-1].end)
    return f"{count} session{'s' if count > 1 else ''}, {start} to {end} UTC"
