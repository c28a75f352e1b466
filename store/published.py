"""Which dates are published, and with which version of every table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from schemas.ops import PUBLISHED_DAYS
from store.arrow import to_rows
from store.warehouse import Warehouse


@dataclass(frozen=True)
class Published:
    """A row of ops.published_days."""

    day: date
    run_id: str
    published_at: int
    start: int
    end: int
    first_date: bool
    input_sha256: str
    output_sha256: str
    table_versions: Mapping[str, int]
    table_sha256: Mapping[str, str]


def published_days(warehouse: Warehouse, version: int | None = None) -> dict[date, Published]:
    """What readers may see, by date; with a version of ops.published_days, what they could see then."""
    rows = to_rows(PUBLISHED_DAYS, warehouse.read(PUBLISHED_DAYS, version=version))
    return {row[0]: Published(*(*row[:-2], json.loads(row[-2]), json.loads(row[-1]))) for row in sorted(rows)}
