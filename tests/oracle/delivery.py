"""Rows of a generated market into a landing zone: mixed formats and spellings, several files per folder."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.oracle.id_styles import IdStyle

Row = dict[str, Any]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# d: decimal, t: time, b: boolean, otherwise text.
COLUMNS = {
    "currencies": "currency scale",
    "instruments": "instrument_id kind base_currency quote_currency settlement_currency "
    "multiplier:d tick_size:d lot_size:d valid_from:t",
    "margin_tiers": "instrument_id valid_from:t notional_floor:d maintenance_rate:d",
    "accounts": "account_id account_type client_class negative_balance_protected:b valid_from:t",
    "transfers": "transfer_id ts:t account_id currency isolation amount:d kind",
    "fills": "fill_id trade_id ts:t account_id instrument_id isolated:b side price:d quantity:d fee:d kind",
    "ticks": "ts:t instrument_id mark_price:d index_price:d bid:d ask:d",
    "funding": "ts:t instrument_id rate:d price:d",
    "fund_movements": "movement_id ts:t currency amount:d kind",
    "venue_account_balances": "ts:t account_id currency wallet_balance:d",
    "venue_fund_balances": "ts:t currency balance:d",
    "venue_liquidations": "ts:t account_id currency notional:d account_value:d",
}


def iso(t: int, spaced: bool = False) -> str:
    """Microseconds since the epoch in ISO-8601."""
    moment = EPOCH + dt.timedelta(microseconds=t)
    if spaced and moment.microsecond == 0:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Delivery:
    """Collects rows and writes them; the same generator state gives the same bytes."""

    def __init__(self, landing: Path, rng: Random, plain: bool, ids: str = "text") -> None:
        """`ids`: one of the styles of `tests.oracle.id_styles`."""
        self.landing, self.rng, self.plain = landing, rng, plain
        self.ids = IdStyle(ids)
        self.rows: dict[tuple[str, str], list[Row]] = {}

    def add(self, dataset: str, day: str, row: Row) -> None:
        """Takes a row of a folder date ('': reference data); values: text, Decimal, bool, int time, None.

        A row with `bad` holds values that only text formats can carry; one with `twice` has those names once
        more behind its other ones, which is JSON's alone.
        """
        self.rows.setdefault((dataset, day), []).append(self.ids.rename(dataset, row))

    def write(self) -> None:
        """Writes all files."""
        for (dataset, day), rows in sorted(self.rows.items()):
            folder = self.landing / dataset / f"date={day}" if day else self.landing / dataset
            folder.mkdir(parents=True, exist_ok=True)
            if not self.plain:
                (folder / "_SUCCESS").write_text("")
                (folder / ".part.csv.crc").write_text("x")
            keep_order = [r for r in rows if r.get("bad")]
            others = [r for r in rows if not r.get("bad")]
            self.rng.shuffle(others)
            parts = 1 if self.plain or len(others) < 2 else self.rng.randrange(1, 4)
            for n in range(parts):
                chunk = others[n::parts] + (keep_order if n == parts - 1 else [])
                self._write_file(folder, f"{'abc'[n]}", dataset, chunk)

    def _write_file(self, folder: Path, name: str, dataset: str, rows: list[Row]) -> None:
        formats = ["csv"] if self.plain else ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"]
        if any(r.get("bad") for r in rows):
            formats = [f for f in formats if f != "parquet"]
        if any(r.get("twice") for r in rows):
            formats = ["jsonl", "jsonl.gz"]
        suffix = self.rng.choice(formats)
        path = folder / f"{name}.{suffix}"
        columns = [c.partition(":")[::2] for c in COLUMNS[dataset].split()]
        if suffix == "parquet":
            self._parquet(path, columns, rows)
            return
        texts = [{c: self._text(kind, row.get(c)) for c, kind in columns} for row in rows]
        again = [row.get("twice") or {} for row in rows]
        text = self._csv(columns, texts) if "csv" in suffix else self._jsonl(columns, texts, again)
        data = text.encode()
        path.write_bytes(gzip.compress(data, mtime=0) if suffix.endswith("gz") else data)

    def _text(self, kind: str, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if kind == "t":
            choice = 0 if self.plain else self.rng.randrange(4)
            if choice == 1:
                return iso(value).replace("Z", "+00:00")
            return str(value) if choice == 3 else iso(value, choice == 2)
        text = format(value, "f")
        if not self.plain and self.rng.randrange(12) == 0:
            text = text + ("0" if "." in text else ".0")
        return text

    def _csv(self, columns: list[tuple[str, str]], rows: list[dict[str, str | None]]) -> str:
        out = io.StringIO()
        extra = not self.plain and self.rng.randrange(5) == 0
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([c for c, _ in columns] + (["note"] if extra else []))
        for row in rows:
            writer.writerow(["" if row[c] is None else row[c] for c, _ in columns] + (["-"] if extra else []))
            if not self.plain and self.rng.randrange(40) == 0:
                out.write("\n")
        return out.getvalue()

    def _jsonl(
        self, columns: list[tuple[str, str]], rows: list[dict[str, str | None]], again: list[Row]
    ) -> str:
        lines = []
        for row, twice in zip(rows, again, strict=True):
            values: Row = dict(row)
            for c, kind in columns:
                if kind == "b" and values[c] in ("true", "false") and self.rng.randrange(2):
                    values[c] = values[c] == "true"
            line = json.dumps(values)
            if twice:
                line = line[:-1] + ", " + json.dumps(twice)[1:]
            lines.append(line + "\n")
        return "".join(lines)

    def _parquet(self, path: Path, columns: list[tuple[str, str]], rows: list[Row]) -> None:
        as_text = self.rng.randrange(2) == 0
        arrays = []
        for c, kind in columns:
            values = [row.get(c) for row in rows]
            if kind == "t":
                arrays.append(pa.array(values, pa.int64()).cast(pa.timestamp("us", "UTC")))
            elif kind == "b":
                arrays.append(pa.array(values, pa.bool_()))
            elif kind == "d" and not as_text:
                arrays.append(pa.array(values, pa.decimal128(38, 18)))
            else:
                text = [v if v is None or isinstance(v, str) else format(v, "f") for v in values]
                arrays.append(pa.array(text, pa.string()))
        pq.write_table(pa.table(arrays, names=[c for c, _ in columns]), path)
