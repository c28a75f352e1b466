"""Run the queries of docs/recipes.md and put their results below them: `python -m scripts.recipes demo/warehouse`."""

import re
import sys
from pathlib import Path

from lossledger.readers.query.sql_query import query_lines

TARGET = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"
_QUERY = re.compile(r"```sql\n(?P<sql>.*?)\n```\n(?:\n```text\n.*?\n```\n)?", re.DOTALL)


def queries() -> list[str]:
    return [found["sql"] for found in _QUERY.finditer(TARGET.read_text(encoding="utf-8"))]


def render(warehouse: Path) -> str:
    """The page with the results that the queries give on a warehouse."""

    def answered(query: re.Match[str]) -> str:
        lines = "\n".join(line.rstrip() for line in query_lines(warehouse, query["sql"]))
        return f"```sql\n{query['sql']}\n```\n\n```text\n{lines}\n```\n"

    return _QUERY.sub(answered, TARGET.read_text(encoding="utf-8"))


if __name__ == "__main__":
    TARGET.write_text(render(Path(sys.argv[1])), encoding="utf-8")
    sys.stdout.write(f"{TARGET.relative_to(TARGET.parents[1])} written\n")
