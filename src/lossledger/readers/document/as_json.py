"""A document as JSON, every value exact.

A report has typed values, amounts with their unit (docs/report.schema.json). An explanation, which is any document
whose sections have no id, has amounts as text with all digits, and the numbers of the sources of every block.
"""

import json
from datetime import date
from typing import Any

from lossledger.engine.clock import iso
from lossledger.engine.figures import exact, plain
from lossledger.readers.document import model
from lossledger.readers.document.values import Amount, Cell, Hidden, Missing, Share, Time, cell_text

_HELD_BACK = "held back: a few accounts are nearly all of it, or it would give another cell away"
Tree = dict[str, Any]


def to_json(document: model.Document, ascii_only: bool = False) -> str:
    """The same document gives the same text. `ascii_only`: for a terminal, which might run other characters."""
    return json.dumps(to_tree(document), indent=1, ensure_ascii=ascii_only) + "\n"


def to_tree(document: model.Document) -> Tree:
    numbers = document.citations()
    sections = [
        {"id": s.id, "letter": s.letter, "title": s.title, "blocks": [_report_block(b) for b in s.blocks]}
        if s.id
        else {"title": s.title, "rules_section": s.rule, "blocks": [_block(b, numbers) for b in s.blocks]}
        for s in document.sections
    ]
    sources = [{"number": number} | citation._asdict() for citation, number in numbers.items()]
    return {**document.head, "sections": sections} | ({"sources": sources} if sources else {})


def _report_block(block: model.Block) -> Tree:
    if isinstance(block, model.Paragraph):
        return {"kind": "paragraph", "text": block.text, "strong": block.strong}
    if isinstance(block, model.Drawing):
        return {"kind": "chart", "id": block.id, "title": block.title, "words": block.words}
    if isinstance(block, model.Figures):
        return {
            "kind": "figures",
            "figures": [
                {"id": f.id, "title": f.title, "value": typed_value(f.value), "definition": f.definition,
                 "source": list(f.source)}
                for f in block.figures
            ],
        }  # fmt: skip
    assert isinstance(block, model.TableBlock)
    return {
        "kind": "table",
        "id": block.id,
        "title": block.title,
        "source": list(block.source),
        "note": block.note,
        "key": block.key,
        "columns": [{"name": c.name, "title": c.title, "doc": c.doc} for c in block.columns],
        "rows": [[typed_value(cell) for cell in row] for row in block.rows],
    }


def _block(block: model.Block, numbers: dict[model.Citation, int]) -> Tree:
    sources = {"sources": list(dict.fromkeys(numbers[citation] for citation in model.citations_of(block)))}
    if isinstance(block, model.Paragraph):
        return {"kind": "sentence", "text": block.text, "read": block.read} | sources
    if isinstance(block, model.Formula):
        formula = {"kind": "formula", "formula": block.formula, "numbers": block.numbers}
        return formula | {"result": _text_value(block.result)} | sources
    if isinstance(block, model.TableBlock):
        names = [column.name for column in block.columns]
        rows = [
            {
                "values": dict(zip(names, map(_text_value, cells), strict=True)),
                "sources": list(dict.fromkeys(numbers[citation] for citation in citations)),
            }
            for cells, citations in zip(block.rows, block.citations, strict=True)
        ]
        return {"kind": "table", "title": block.title, "read": block.read, "rows": rows}
    assert not isinstance(block, model.Figures | model.Drawing)
    figures = [
        {
            "column": figure.column,
            "recomputed": _text_value(figure.recomputed),
            "published": _text_value(figure.published),
            "equal": figure.equal,
        }
        for figure in block.figures
    ]
    return {
        "kind": "comparison",
        "equal": block.equal,
        "problem": block.problem,
        "figures": figures,
    } | sources


def typed_value(cell: Cell) -> Any:
    """Counts are numbers; amounts are exact text without separators, with their unit; a missing value has a reason."""
    if isinstance(cell, Amount):
        return {"amount": exact(cell.e18, cell.places).replace(",", ""), "unit": cell.unit}
    if isinstance(cell, Share):
        return {"percent": cell_text(cell).rstrip("%").replace(",", "")}
    if isinstance(cell, Time):
        return iso(cell.us)
    if isinstance(cell, Missing):
        return {"not_available": cell.reason}
    if isinstance(cell, Hidden):
        return {"suppressed": f"fewer than {cell.below} accounts" if cell.below else _HELD_BACK}
    return cell.isoformat() if isinstance(cell, date) else cell


def _text_value(cell: Cell) -> str | int | None:
    if isinstance(cell, Amount):
        return None if cell.e18 is None else plain(cell.e18)
    return cell if isinstance(cell, int) else cell_text(cell)
