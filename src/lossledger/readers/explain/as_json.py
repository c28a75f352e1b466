"""An explanation for machines: decimals and row numbers exact, decimals as text, sources by their numbers."""

import json
from typing import Any

from lossledger.readers.explain.document import (
    Block,
    Cell,
    Compared,
    Explanation,
    Formula,
    Grid,
    Number,
    Said,
    Source,
)

FORMAT = "lossledger-explanation-1"


def json_text(explanation: Explanation) -> str:
    """An object with title, facts, sections and sources; in ASCII, so that no terminal takes it for a command."""
    return json.dumps(_whole(explanation), indent=1) + "\n"


def _whole(explanation: Explanation) -> dict[str, Any]:
    numbers = explanation.sources()
    return {
        "format": FORMAT,
        "title": explanation.title,
        "facts": dict(explanation.facts),
        "equal": not explanation.differing,
        "sections": [
            {
                "title": section.title,
                "rules_section": section.rule,
                "blocks": [_block(block, numbers) for block in section.blocks],
            }
            for section in explanation.sections
        ],
        "sources": [{"number": number} | source._asdict() for source, number in numbers.items()],
    }


def _block(block: Block, numbers: dict[Source, int]) -> dict[str, Any]:
    if isinstance(block, Said):
        told = {"kind": "sentence", "text": block.text, "read": block.read}
        return told | {"sources": _numbers(block.sources, numbers)}
    if isinstance(block, Formula):
        told = {"kind": "formula", "formula": block.formula, "numbers": block.numbers}
        return told | {"result": _value(block.result), "sources": _numbers(block.sources, numbers)}
    if isinstance(block, Grid):
        return {"kind": "table", "title": block.title, "read": block.read, "rows": _rows(block, numbers)}
    return _compared(block, numbers)


def _rows(grid: Grid, numbers: dict[Source, int]) -> list[dict[str, Any]]:
    return [
        {
            "values": {name: _value(cell) for name, cell in zip(grid.head, row.cells, strict=True)},
            "sources": _numbers(row.sources, numbers),
        }
        for row in grid.rows
    ]


def _compared(block: Compared, numbers: dict[Source, int]) -> dict[str, Any]:
    return {
        "kind": "comparison",
        "equal": block.equal,
        "problem": block.problem,
        "figures": [
            {
                "column": check.column,
                "recomputed": _value(check.recomputed),
                "published": _value(check.published),
                "equal": check.equal,
            }
            for check in block.checks
        ],
        "sources": [numbers[block.source]],
    }


def _value(cell: Cell) -> str | int | None:
    return cell.plain if isinstance(cell, Number) else cell


def _numbers(sources: tuple[Source, ...], numbers: dict[Source, int]) -> list[int]:
    return list(dict.fromkeys(numbers[source] for source in sources))
