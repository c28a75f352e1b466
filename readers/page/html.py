"""Small pieces of HTML. What comes from the tables is escaped here, so nothing delivered can become markup."""

from collections.abc import Sequence
from html import escape

Cell = str | tuple[str, str]  # a text, or a text with its CSS class


def section(anchor: str, title: str, *parts: str) -> str:
    return f'<section id="{anchor}"><h2>{escape(title)}</h2>{"".join(parts)}</section>\n'


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    return f"<h3>{escape(text)}</h3>"


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> str:
    """A column whose title starts with `#` holds numbers, to the right."""
    numeric = [title.startswith("#") for title in head]
    top = "".join(_cell("th", title.lstrip("#"), number) for title, number in zip(head, numeric, strict=True))
    body = "".join(
        "<tr>"
        + "".join(_cell("td", cell, number) for cell, number in zip(row, numeric, strict=True))
        + "</tr>"
        for row in rows
    )
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    whole = f"<table>{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return (
        f'<div class="scroll" tabindex="0">{whole}</div>'  # reached by keyboard: it scrolls where it is wide
    )


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """What something is, line by line; long values wrap."""
    body = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in pairs)
    return f'<table class="facts"><tbody>{body}</tbody></table>'


def _cell(tag: str, cell: Cell, number: bool) -> str:
    text, kind = (cell, "") if isinstance(cell, str) else cell
    kinds = " ".join(k for k in ("n" if number else "", kind) if k)
    return f'<{tag} class="{kinds}">{escape(text)}</{tag}>' if kinds else f"<{tag}>{escape(text)}</{tag}>"


def tile(title: str, amounts: Sequence[tuple[str, str]], note: str, kind: str = "") -> str:
    """A headline: (amount, unit) pairs and what they mean."""
    values = "".join(f"<b>{escape(amount)} <span>{escape(unit)}</span></b>" for amount, unit in amounts)
    return f'<div class="tile {kind}"><h3>{escape(title)}</h3>{values}<small>{escape(note)}</small></div>'
