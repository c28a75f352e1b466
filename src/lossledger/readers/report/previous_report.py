"""The previous report: its dates and their versions, from its manifest.

A public edition has no hash of rows, neither of its own nor of the report before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from lossledger.schemas import attribution

COMPARED = (attribution.SESSION_LOSSES, attribution.INSURANCE_FUND_DAILY)


@dataclass(frozen=True)
class PreviousDay:
    """`published_at`: as in the manifest; `versions`, `rows_sha256`: of the compared tables.

    `columns`: the hashed columns, as recorded with a date. Hashes are empty if that report is the public edition;
    then the run identifies the date's rows.
    """

    day: date
    run_id: str
    published_at: str
    output_sha256: str
    versions: Mapping[str, int]
    rows_sha256: Mapping[str, str]
    columns: Mapping[str, str]


@dataclass(frozen=True)
class PreviousReport:
    """The part of a previous report that later reports need; their manifests store it, so its folder may be deleted.

    `content_sha256`: empty in a public edition if the previous report is not public.
    """

    content_sha256: str
    audience: str
    first: date
    last: date
    days: tuple[PreviousDay, ...]

    def for_public(self, public: str) -> "PreviousReport":
        """Without the hashes of rows, and without that of a report that has some. `public`: the audience's name."""
        content = self.content_sha256 if self.audience == public else ""
        days = tuple(replace(day, output_sha256="", rows_sha256={}) for day in self.days)
        return replace(self, content_sha256=content, days=days)

    def tree(self) -> dict[str, Any]:
        """Its entry in a manifest."""
        return {
            "content_sha256": self.content_sha256,
            "audience": self.audience,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "dates": [
                {
                    "business_date": day.day.isoformat(),
                    "run_id": day.run_id,
                    "published_at": day.published_at,
                    **({"output_sha256": day.output_sha256} if day.output_sha256 else {}),
                    "tables": {name: _table(day, name) for name in (table.full_name for table in COMPARED)},
                }
                for day in self.days
            ],
        }


def _table(day: PreviousDay, name: str) -> dict[str, Any]:
    recorded = {"rows_sha256": day.rows_sha256, "columns": day.columns}
    hashed = {key: values[name] for key, values in recorded.items()} if name in day.rows_sha256 else {}
    return {"version": day.versions[name], **hashed}


def previous_of(manifest: Mapping[str, Any]) -> PreviousReport:
    """From the manifest of a report."""
    request = manifest["request"]
    return from_tree({key: request[key] for key in ("audience", "from", "to")} | dict(manifest))


def from_tree(tree: Mapping[str, Any]) -> PreviousReport:
    """The inverse of `tree`."""
    first, last = (date.fromisoformat(tree[name]) for name in ("from", "to"))
    days = tuple(_day(day) for day in tree["dates"])
    return PreviousReport(tree["content_sha256"], tree["audience"], first, last, days)


def _day(tree: Mapping[str, Any]) -> PreviousDay:
    tables = {table.full_name: tree["tables"][table.full_name] for table in COMPARED}
    return PreviousDay(
        date.fromisoformat(tree["business_date"]),
        tree["run_id"],
        tree["published_at"],
        tree.get("output_sha256", ""),
        {name: table["version"] for name, table in tables.items()},
        {name: table["rows_sha256"] for name, table in tables.items() if "rows_sha256" in table},
        {name: table.get("columns", "") for name, table in tables.items()},
    )
