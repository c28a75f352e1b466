"""The report for print: A4, contents, page numbers, typeset without TeX and without a browser."""

import json
import tempfile
from pathlib import Path
from typing import Any

import typst

from lossledger.readers.report.model import (
    Block,
    Drawing,
    Figures,
    Missing,
    Paragraph,
    Report,
    Table,
    drawn,
    shown,
    unit_of,
)

_TEMPLATE = Path(__file__).with_name("templates") / "report.typ"
_WIDTH = 560  # of a chart's plot, pixels


def to_pdf(report: Report) -> bytes:
    """The same report gives the same bytes: its only time is that of the newest publication.

    The template gets data alone, so nothing that was delivered is ever read as markup.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = {
            "title": report.title,
            "venue": report.venue,
            "audience": report.audience,
            "sections": [
                {
                    "letter": s.letter,
                    "title": s.title,
                    "blocks": [_block(block, folder) for block in s.blocks],
                }
                for s in report.sections
            ],
        }
        (folder / "report.json").write_text(json.dumps(tree), encoding="utf-8")
        (folder / "report.typ").write_bytes(_TEMPLATE.read_bytes())
        compiler = typst.Compiler(str(folder / "report.typ"), root=str(folder), ignore_system_fonts=True)
        made = compiler.compile(format="pdf", timestamp=report.made_at // 1_000_000)
    assert isinstance(made, bytes)
    return made


def _block(block: Block, folder: Path) -> dict[str, Any]:
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text, "strong": block.strong}
    if isinstance(block, Figures):
        figures = [
            {"title": f.title, "value": shown(f.value), "unit": unit_of(f.value), "definition": f.definition}
            for f in block.figures
        ]
        return {"kind": "figures", "figures": figures}
    if isinstance(block, Drawing):
        path = folder / f"chart-{len(list(folder.glob('chart-*')))}.svg"
        path.write_text(drawn(block, _WIDTH), encoding="utf-8")
        return {"kind": "chart", "title": block.title, "words": block.words, "path": path.name}
    return _table(block)


def _table(table: Table) -> dict[str, Any]:
    rows = table.rows[: table.shown] if table.shown else table.rows
    told = (
        []
        if len(rows) == len(table.rows)
        else [f"{len(rows):,} of {len(table.rows):,}; all are in report.xlsx."]
    )
    told += [table.note] if table.note else []
    told += [f"From {', '.join(table.source)}."] if table.source else []
    return {
        "kind": "table",
        "title": table.title,
        "columns": [{"title": c.title, "number": c.number} for c in table.columns],
        "rows": [
            [[shown(cell), cell.reason if isinstance(cell, Missing) else ""] for cell in row] for row in rows
        ],
        "wide": len(table.columns) > 6,
        "note": " ".join(told),
    }
