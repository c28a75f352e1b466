"""The report as JSON: every value exact, amounts as text with their unit; schema: docs/report.schema.json."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from lossledger.engine.clock import iso
from lossledger.engine.figures import exact
from lossledger.readers.report.model import (
    Amount,
    Block,
    Cell,
    Drawing,
    Figures,
    Hidden,
    Missing,
    Paragraph,
    Report,
    Share,
    Table,
    Time,
    shown,
)

FORMAT = "lossledger-report-1"
_HELD_BACK = "held back: a few accounts are nearly all of it, or it would give another cell away"


def to_json(report: Report) -> str:
    """The same report gives the same text."""
    return json.dumps(as_tree(report), indent=1, ensure_ascii=False) + "\n"


def as_tree(report: Report) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "title": report.title,
        "audience": report.audience,
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "venue": report.venue or {"not_available": "nobody has stated it"},
        "data": report.data or {"not_available": "nobody has stated it"},
        "published_until": iso(report.made_at),
        "sections": [
            {
                "id": s.id,
                "letter": s.letter,
                "title": s.title,
                "blocks": [_block(block) for block in s.blocks],
            }
            for s in report.sections
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text, "strong": block.strong}
    if isinstance(block, Figures):
        return {
            "kind": "figures",
            "figures": [
                {"id": f.id, "title": f.title, "value": plain(f.value), "definition": f.definition,
                 "source": list(f.source)}
                for f in block.figures
            ],
        }  # fmt: skip
    if isinstance(block, Drawing):
        return {"kind": "chart", "id": block.id, "title": block.title, "words": block.words}
    return _table(block)


def _table(table: Table) -> dict[str, Any]:
    return {
        "kind": "table",
        "id": table.id,
        "title": table.title,
        "source": list(table.source),
        "note": table.note,
        "key": table.key,
        "columns": [{"name": c.name, "title": c.title, "doc": c.doc} for c in table.columns],
        "rows": [[plain(cell) for cell in row] for row in table.rows],
    }


def plain(cell: Cell) -> Any:
    """Counts are numbers; amounts are text, exact, without separators; what is not known is told as such."""
    if isinstance(cell, Amount):
        return {"amount": exact(cell.e18, cell.places).replace(",", ""), "unit": cell.unit}
    if isinstance(cell, Share):
        return {"percent": shown(cell).rstrip("%").replace(",", "")}
    if isinstance(cell, Time):
        return iso(cell.us)
    if isinstance(cell, Missing):
        return {"not_available": cell.reason}
    if isinstance(cell, Hidden):
        return {"suppressed": f"fewer than {cell.below} accounts" if cell.below else _HELD_BACK}
    return cell.isoformat() if isinstance(cell, date) else cell


def figures_of(tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every figure of a report in JSON by a name: its id, or table, key and column; sentences by their section."""
    for section in tree["sections"]:
        for number, block in enumerate(section["blocks"]):
            if block["kind"] == "figures":
                for figure in block["figures"]:
                    yield figure["id"], figure["value"]
            elif block["kind"] == "table":
                yield from _cells(block)
            elif block["kind"] == "paragraph":
                yield f"{section['id']}, sentence {number + 1}", block["text"]


def _cells(table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for row in table["rows"]:
        key = " ".join(map(str, row[: table["key"]]))
        for column, cell in zip(table["columns"][table["key"] :], row[table["key"] :], strict=True):
            yield f"{table['id']}, {key}, {column['name']}", cell
