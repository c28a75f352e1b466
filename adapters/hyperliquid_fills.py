"""Hyperliquid's node_fills_by_block archive: both sides of every trade, with fees; see docs/adapters."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.delivered import decimal, decimals, open_text, plain, step, utc_text_of_ms
from adapters.landing import landing_zone
from adapters.report import AdaptReport
from engine.errors import DataError

NAME = "hyperliquid-fills"
SCALE = 6
VALID_FROM = "2020-01-01"  # well before the archive
MAINTENANCE_RATE = "0.01"  # not delivered: an assumption, see the documentation
SIDES = {"B": "buy", "A": "sell"}
KINDS = {"Auto-Deleveraging": "adl", "Settlement": "settlement"}
FIELDS = ("coin", "px", "sz", "side", "time", "startPosition", "dir", "fee", "feeToken", "tid")
SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz")

POLICY = """\
# Hyperliquid fills. Every value may be changed; see docs/adapters/hyperliquid-fills.md.
- valid_from: 2020-01-01
  # The venue's own liquidation and ADL fills are the execution.
  execution: recorded
  trigger: lt
  # Marks are those of liquidations, so a date without one has no file of ticks, and is complete all the same.
  required_datasets: []
  # The venue has no insurance fund.
  liquidation_fee_to: venue
  residual: to_account
  # Collateral is not delivered, so no wallet here is a loss that anybody could be charged for.
  sharing: none
  session_start: '00:00'
"""


class Seen:
    """What is learnt while the fills stream through: steps, marks, accounts, and whether the books close."""

    def __init__(self) -> None:
        self.price_places: Counter[str] = Counter()
        self.size_places: Counter[str] = Counter()
        self.settlement: dict[str, str] = {}
        self.marks: dict[tuple[str, str], str] = {}
        self.accounts: dict[str, str] = {}
        self.blocks: set[int] = set()
        self.spot = 0
        self.half_trades: dict[int, tuple[str, Decimal, Decimal]] = {}
        self.positions: dict[tuple[str, str], Decimal] = {}
        self.chain: Counter[str] = Counter()

    def pair(self, fill: dict[str, Any], where: str) -> None:
        """Double entry: the second side of a trade id must mirror the first in price and size."""
        this = (fill["side"], decimal(fill["px"], where), decimal(fill["sz"], where))
        other = self.half_trades.pop(fill["tid"], None)
        if other is None:
            self.half_trades[fill["tid"]] = this
        elif other[0] == this[0] or other[1:] != this[1:]:
            sides = " and ".join(f"{side} {size} at {price}" for side, price, size in (other, this))
            raise DataError(f"{where}: the sides of trade {fill['tid']} do not match: {sides}")

    def follow(self, user: str, coin: str, start: Decimal, change: Decimal) -> None:
        """The venue's startPosition against the position its fills make."""
        known = self.positions.get((user, coin))
        if known is None:
            self.chain["unknown before" if start else "flat before"] += 1
        else:
            self.chain["holds" if known == start else "broken"] += 1
        self.positions[user, coin] = start + change

    def settles_in(self, coin: str, token: str, where: str) -> None:
        """A perpetual's fees are in its collateral, so the fee token is the settlement currency."""
        if self.settlement.setdefault(coin, token) != token:
            raise DataError(f"{where}: {coin} has fees in {token} and in {self.settlement[coin]}")


def adapt(source: Path, landing: Path) -> AdaptReport:
    """Write the archive files in `source` as a landing zone.

    DataError: no file, a damaged or repeated block, a trade without two matching sides.
    ConfigError: see `landing_zone`.
    """
    report, seen = AdaptReport(NAME, landing), Seen()
    with landing_zone(report, source) as zone:
        zone.dated("fills", _fills(source, seen))
        if seen.half_trades:
            raise DataError(
                f"{len(seen.half_trades)} trades have one side only (first: {min(seen.half_trades)}); "
                "the files are incomplete, fetch them again"
            )
        coins = sorted(seen.settlement)
        zone.reference("currencies", [(c, str(SCALE)) for c in sorted(set(seen.settlement.values()))])
        zone.reference("instruments", [_instrument(coin, seen) for coin in coins])
        zone.reference("margin_tiers", [(coin, VALID_FROM, "0", MAINTENANCE_RATE) for coin in coins])
        zone.reference(
            "accounts",
            [(a, kind, "retail", "false", VALID_FROM) for a, kind in sorted(seen.accounts.items())],
        )
        zone.dated("ticks", [(ts, coin, mark) for (ts, coin), mark in sorted(seen.marks.items())])
        zone.policy(POLICY)
        _note(report, seen)
    return report


def _blocks(source: Path, seen: Seen) -> Iterator[tuple[str, dict[str, Any]]]:
    files = sorted(p for p in source.iterdir() if p.name.endswith(SUFFIXES) and p.name[0] not in "._")
    if not files:
        raise DataError(f"{source} has no file that ends in {', '.join(SUFFIXES)}")
    for path in files:
        try:
            with open_text(path) as file:
                for number, line in enumerate(file, 1):
                    where = f"{path} line {number}"
                    block = _block(line, where)
                    if block["block_number"] in seen.blocks:
                        raise DataError(f"{where}: block {block['block_number']} was already delivered")
                    seen.blocks.add(block["block_number"])
                    yield where, block
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise DataError(f"{path} is damaged ({error}); fetch it again") from None


def _block(line: str, where: str) -> dict[str, Any]:
    try:
        block: dict[str, Any] = json.loads(line)
        if not isinstance(block["block_number"], int):
            raise TypeError
        for _user, fill in block["events"]:
            missing = [name for name in FIELDS if name not in fill]
            if missing:
                raise DataError(f"{where}: a fill lacks the field {missing[0]}")
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{where} is not a block of fills; fetch the file again") from None
    return block


def _fills(source: Path, seen: Seen) -> Iterator[tuple[str, ...]]:
    for where, block in _blocks(source, seen):
        for index, (user, fill) in enumerate(block["events"]):
            seen.pair(fill, where)
            if _is_spot(fill["coin"]):
                seen.spot += 1
                continue
            yield _fill(f"{block['block_number']:012d}-{index:06d}", user, fill, seen, where)


def _is_spot(coin: str) -> bool:
    return coin.startswith("@") or "/" in coin


def _fill(fill_id: str, user: str, fill: dict[str, Any], seen: Seen, where: str) -> tuple[str, ...]:
    coin, ts = fill["coin"], utc_text_of_ms(fill["time"])
    price, size = decimal(fill["px"], where), decimal(fill["sz"], where)
    seen.price_places[coin] = max(seen.price_places[coin], decimals(price))
    seen.size_places[coin] = max(seen.size_places[coin], decimals(size))
    seen.settles_in(coin, fill["feeToken"], where)
    side = SIDES.get(fill["side"], fill["side"])  # an unknown side is quarantined by the load
    seen.follow(user, coin, decimal(fill["startPosition"], where), size if side == "buy" else -size)
    kind = KINDS.get(fill["dir"], "normal")
    account_type = "client"
    if liquidation := fill.get("liquidation"):
        seen.marks[ts, coin] = plain(decimal(liquidation["markPx"], where))
        if liquidation["liquidatedUser"] == user:
            kind = "liquidation"
        elif liquidation["method"] == "backstop":
            account_type = "house"  # the venue's own liquidator takes over
    if seen.accounts.get(user) != "house":
        seen.accounts[user] = account_type
    fee = plain(decimal(fill["fee"], where))
    return ts, fill_id, str(fill["tid"]), user, coin, side, plain(price), plain(size), fee, kind


def _instrument(coin: str, seen: Seen) -> tuple[str, ...]:
    currency = seen.settlement[coin]
    tick, lot = step(seen.price_places[coin]), step(seen.size_places[coin])
    return coin, "linear", coin, currency, currency, "1", tick, lot, VALID_FROM


def _note(report: AdaptReport, seen: Seen) -> None:
    missing = max(seen.blocks) - min(seen.blocks) + 1 - len(seen.blocks) if seen.blocks else 0
    houses = sum(kind == "house" for kind in seen.accounts.values())
    builder = sorted({coin for coin in seen.settlement if ":" in coin})
    report.notes += [
        f"{len(seen.blocks)} blocks, {missing} missing between the first and the last",
        f"{seen.spot} spot fills (coins with @ or /) are out of scope and left out",
        f"{seen.chain['holds']} fills start where the fills before ended, {seen.chain['broken']} do not",
        f"{seen.chain['unknown before']} positions were open before their first fill: replayed from flat",
        f"{houses} accounts are typed house because they took over a backstop liquidation",
        f"{len(builder)} coins of builder-deployed exchanges are kept: {', '.join(builder) or 'none'}",
        "marks are known only from liquidations; collateral, funding and margin are not delivered",
        "without collateral no wallet here says that an account was below zero; accounts are unprotected",
    ]
