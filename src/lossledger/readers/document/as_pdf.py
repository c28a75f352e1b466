"""A document for print: A4, contents, page numbers, typeset without TeX and without a browser."""

import json
import tempfile
from pathlib import Path
from typing import Any

import typst

from lossledger.readers.document import model
from lossledger.readers.document.chart_svg import render_chart
from lossledger.readers.document.values import Missing, cell_text, cell_unit

_TEMPLATE = Path(__file__).with_name("document.typ")
_WIDTH = 560  # of a chart's plot, pixels


def to_pdf(document: model.Document) -> bytes:
    """The same document gives the same bytes: its only time is that of the newest publication.

    The template gets data alone, so nothing that was delivered is ever read as markup.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = {
            "title": document.title,
            "subject": document.subject,
            "about": document.about,
            "sections": [
                {
                    "letter": s.letter,
                    "title": s.title,
                    "blocks": [_block(block, folder) for block in s.blocks],
                }
                for s in document.sections
            ],
        }
        (folder / "document.json").write_text(json.dumps(tree), encoding="utf-8")
        (folder / "document.typ").write_bytes(_TEMPLATE.read_bytes())
        compiler = typst.Compiler(str(folder / "document.typ"), root=str(folder), ignore_system_fonts=True)
        made = compiler.compile(format="pdf", timestamp=document.made_at // 1_000_000)
    assert isinstance(made, bytes)
    return made


def _block(block: model.Block, folder: Path) -> dict[str, Any]:
    if isinstance(block, model.Paragraph):
        return {"kind": "paragraph", "text": block.text, "strong": block.strong}
    if isinstance(block, model.Figures):
        figures = [
            {
                "title": f.title,
                "value": cell_text(f.value),
                "unit": cell_unit(f.value),
                "definition": f.definition,
            }
            for f in block.figures
        ]
        return {"kind": "figures", "figures": figures}
    if isinstance(block, model.Drawing):
        path = folder / f"chart-{len(list(folder.glob('chart-*')))}.svg"
        path.write_text(render_chart(block, _WIDTH), encoding="utf-8")
        return {"kind": "chart", "title": block.title, "words": block.words, "path": path.name}
    if isinstance(block, model.Formula):
        text = f"{block.formula} = {block.numbers} = {cell_text(block.result)}"
        return {"kind": "paragraph", "text": text, "strong": False}
    if isinstance(block, model.RowComparison):
        verdict = "equal" if block.equal else block.problem or "differs"
        return {"kind": "paragraph", "text": f"{block.citation}: {verdict}", "strong": not block.equal}
    return _table(block)


def _table(table: model.TableBlock) -> dict[str, Any]:
    rows = table.rows[: table.shown] if table.shown else table.rows
    notes = (
        []
        if len(rows) == len(table.rows)
        else [f"{len(rows):,} of {len(table.rows):,}; all are in report.xlsx."]
    )
    notes += [table.note] if table.note else []
    notes += [f"From {', '.join(table.source)}."] if table.source else []
    return {
        "kind": "table",
        "title": table.title,
        "columns": [{"title": c.title, "number": c.number} for c in table.columns],
        "rows": [
            [[cell_text(cell), cell.reason if isinstance(cell, Missing) else ""] for cell in row]
            for row in rows
        ],
        "wide": len(table.columns) > 6,
        "note": " ".join(notes),
    }
