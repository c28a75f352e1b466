"""What an adaptation did, in words a person reads on the terminal."""

from dataclasses import dataclass, field
from pathlib import Path

from lossledger.engine.errors import DataError


@dataclass
class AdaptReport:
    """Rows written per dataset, and what its reader must know (limits, assumptions, oddities)."""

    adapter: str
    landing: Path
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report as plain text, one fact a line."""
        rows = [f"  {dataset}: {count} rows" for dataset, count in self.counts.items()]
        notes = [f"  note: {note}" for note in self.notes]
        return [f"{self.adapter}: landing zone written to {self.landing}", *rows, *notes]

    def refuse_empty(self, dataset: str, delivered: str, why: str) -> None:
        """DataError when the venue delivered something of a dataset and no row of it was written.

        A landing zone that lacks a whole dataset publishes wrong numbers without a word.
        """
        if not self.counts.get(dataset):
            raise DataError(f"{dataset} would be empty, though {delivered} delivered: {why}")
