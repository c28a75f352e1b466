"""Writes a landing zone (CSV, deterministic bytes) all or nothing, and never over somebody else's files."""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lossledger.adapters.report import AdaptReport
from lossledger.engine.errors import ConfigError
from lossledger.engine.intake.adapter_marker import MARKER, edition

STAGING = ".adapting"

COLUMNS: dict[str, tuple[str, ...]] = {
    "currencies": ("currency", "scale"),
    "instruments": (
        "instrument_id", "kind", "base_currency", "quote_currency", "settlement_currency",
        "multiplier", "tick_size", "lot_size", "valid_from",
    ),
    "margin_tiers": ("instrument_id", "valid_from", "notional_floor", "maintenance_rate"),
    "accounts": ("account_id", "account_type", "client_class", "negative_balance_protected", "valid_from"),
    "transfers": ("ts", "transfer_id", "account_id", "currency", "amount", "kind"),
    "fills": (
        "ts", "fill_id", "trade_id", "account_id", "instrument_id",
        "side", "price", "quantity", "fee", "kind",
    ),
    "ticks": ("ts", "instrument_id", "mark_price"),
    "funding": ("ts", "instrument_id", "rate", "price"),
    "venue_liquidations": ("ts", "account_id", "currency", "notional", "account_value"),
}  # fmt: skip


class LandingWriter:
    """Writes datasets under one folder; rows are tuples of text in the order of COLUMNS."""

    def __init__(self, root: Path, report: AdaptReport) -> None:
        self._root = root
        self._report = report

    def reference(self, dataset: str, rows: Iterable[Sequence[str]]) -> None:
        """Reference data: LANDING/<dataset>/data.csv, in the order given, with a header even when empty."""
        self._report.counts.setdefault(dataset, 0)
        self._append(dataset, self._root / dataset, rows)

    def dated(self, dataset: str, rows: Iterable[Sequence[str]]) -> None:
        """Dated data: LANDING/<dataset>/date=…/data.csv by the UTC date of the first column, `ts`."""
        self._report.counts.setdefault(dataset, 0)
        day, batch = "", list[Sequence[str]]()
        for row in rows:
            if row[0][:10] != day or len(batch) == 10_000:
                self._append(dataset, self._root / dataset / f"date={day}", batch)
                day, batch = row[0][:10], []
            batch.append(row)
        self._append(dataset, self._root / dataset / f"date={day}", batch)

    def policy(self, text: str) -> None:
        """LANDING/policy.yaml."""
        (self._root / "policy.yaml").write_text(text, encoding="utf-8")

    def _append(self, dataset: str, folder: Path, rows: Iterable[Sequence[str]]) -> None:
        if folder.name == "date=":
            return
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "data.csv"
        is_new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if is_new:
                writer.writerow(COLUMNS[dataset])
            for row in rows:
                writer.writerow(row)
                self._report.counts[dataset] += 1


@contextmanager
def landing_zone(report: AdaptReport, source: Path) -> Iterator[LandingWriter]:
    """A writer whose files appear in `report.landing` when the block ends, and not at all if it fails.

    ConfigError: no source folder; a landing folder with anything in it that this adapter did not write.
    """
    landing = report.landing
    if not source.is_dir():
        raise ConfigError(f"source folder {source} does not exist; give the folder with the venue's files")
    _refuse_foreign(landing, report.adapter)
    staging = landing / STAGING
    shutil.rmtree(staging, ignore_errors=True)  # of an interrupted attempt
    staging.mkdir(parents=True)
    try:
        yield LandingWriter(staging, report)
        marker: dict[str, object] = {"adapter": report.adapter, "files": _hashes(staging)}
        if edition(report.adapter) > 1:
            marker["edition"] = edition(report.adapter)
        _replace(landing, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    (landing / MARKER).write_text(json.dumps(marker, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _refuse_foreign(landing: Path, adapter: str) -> None:
    """A landing folder is new, empty, or exactly what this adapter left there; otherwise ConfigError."""
    if landing.exists() and not landing.is_dir():
        raise ConfigError(f"landing {landing} is not a folder; give a new or empty folder")
    present = _hashes(landing)
    marker = landing / MARKER
    if not present and not marker.exists():
        return
    advice = "give a new or empty folder, or delete this one"
    if not marker.exists():
        raise ConfigError(f"landing folder {landing} holds files that no adapter finished; {advice}")
    written = json.loads(marker.read_text(encoding="utf-8"))
    if written["adapter"] != adapter:
        raise ConfigError(f"landing folder {landing} was written by adapter {written['adapter']}; {advice}")
    if written["files"] != present:
        changed = sorted(set(written["files"].items()) ^ set(present.items()))[0][0]
        raise ConfigError(f"landing folder {landing} was changed after it was written ({changed}); {advice}")


def _hashes(root: Path) -> dict[str, str]:
    """SHA-256 of every file below, by relative path, the marker and an interrupted attempt left out."""
    files = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else []
    names = ((p.relative_to(root), p) for p in files)
    return {
        name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names
        if name.parts[0] not in (MARKER, STAGING)
    }


def _replace(landing: Path, staging: Path) -> None:
    for old in landing.iterdir():
        if old != staging:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for new in sorted(staging.iterdir()):
        new.rename(landing / new.name)
