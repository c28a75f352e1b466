"""The rules across tables: one SQL file each in invariants/, a query for the rows that violate it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lossledger.expectations.check import FAIL, WARN, Check, rows_check

FOLDER = Path(__file__).with_name("invariants")
_KEYS = ("name", "table", "severity", "why", "source")


@dataclass(frozen=True)
class Rule:
    """A file of invariants/: what its header says, and the query."""

    name: str
    table: str
    severity: str
    why: str
    source: str
    sql: str

    @property
    def check(self) -> Check:
        return rows_check(self.table, self.name, self.sql, self.severity)


def parse_rule(text: str) -> Rule:
    """A rule from the text of its file. ValueError when a line of the header is missing or unknown."""
    lines = text.splitlines()
    pairs = [line.removeprefix("-- ").partition(": ") for line in lines[: len(_KEYS)]]
    header = {key: value for key, _, value in pairs}
    if tuple(header) != _KEYS or header["severity"] not in (FAIL, WARN):
        raise ValueError(f"a rule starts with the comments {', '.join(_KEYS)}; found {', '.join(header)}")
    return Rule(**header, sql="\n".join(lines[len(_KEYS) :]))


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by name."""
    return tuple(parse_rule(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.sql")))
