"""What is learnt from Hyperliquid's fills as they stream through, and what a reader must know of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from lossledger.adapters.delivered import decimal
from lossledger.adapters.hyperliquid_files import Delivery
from lossledger.adapters.hyperliquid_roles import Roles
from lossledger.engine.errors import DataError

OUT_OF_SCOPE = {
    "spot": "spot fills (coins with @ or /)",
    "outcome": "fills of outcome coins (names with # or +)",
    "unknown": "fills of coins of a class that this adapter does not know",
}
NAMED = 5  # coins by name in a note


class Seen:
    """Steps, marks, accounts, what was left out, and whether the books close."""

    def __init__(self) -> None:
        self.delivery = Delivery()
        self.price_places: Counter[str] = Counter()
        self.size_places: Counter[str] = Counter()
        self.settlement: dict[str, str] = {}
        self.marks: dict[tuple[str, str], str] = {}
        self.accounts: set[str] = set()
        self.roles = Roles()
        self.left_out: dict[str, Counter[str]] = defaultdict(Counter)  # class of coin -> fills by coin
        self.settled: Counter[str] = Counter()  # one-sided settlement trades by coin
        self.dust = 0
        self.half_trades: dict[tuple[int, str, Any], tuple[str, Decimal, Decimal, str]] = {}
        self.positions: dict[tuple[str, str], Decimal] = {}
        self.chain: Counter[str] = Counter()

    def pair(self, fill: dict[str, Any], where: str) -> None:
        """Double entry: the second side of a trade must mirror the first in price and size.

        A `tid` alone is no key: the venue calls (time, coin, tid) unique.
        """
        side, price, size = fill["side"], decimal(fill["px"], where), decimal(fill["sz"], where)
        other = self.half_trades.pop((fill["time"], fill["coin"], fill["tid"]), None)
        if other is None:
            key = fill["time"], fill["coin"], fill["tid"]
            self.half_trades[key] = (side, price, size, fill["dir"])
        elif other[0] == side or other[1:3] != (price, size):
            sides = f"{other[0]} {other[2]} at {other[1]} and {side} {size} at {price}"
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


def notes(seen: Seen) -> list[str]:
    """The facts of the delivery, its gaps, and what was assumed."""
    blocks = seen.delivery.blocks
    missing = max(blocks) - min(blocks) + 1 - len(blocks) if blocks else 0
    lines = seen.delivery.lines - len(blocks)
    took_over, faced = seen.roles.took_over, seen.roles.faced_deleveraging()
    builder = [coin for coin in seen.settlement if ":" in coin]
    found = [f"{len(blocks)} blocks, {missing} missing between the first and the last"] if blocks else []
    if lines:
        found.append(f"{lines} lines of node_fills, which have no block numbers: a gap does not show")
    for scope, what in OUT_OF_SCOPE.items():
        if coins := seen.left_out[scope]:
            names = "" if scope == "spot" else f": {_names(coins)}"
            found.append(f"{coins.total()} {what} are out of scope and left out{names}")
    if seen.dust:
        found.append(f"{seen.dust} of the spot fills are one-sided conversions of dust")
    if settled := +seen.settled:
        found.append(
            f"{settled.total()} one-sided settlement trades of delisted perpetuals: {_names(settled)}"
        )
    return [
        *found,
        f"{seen.chain['holds']} fills start where the fills before ended, {seen.chain['broken']} do not",
        f"{seen.chain['unknown before']} positions were open before their first fill: replayed from flat",
        f"{len(took_over | faced)} accounts are of type liquidator: {len(took_over)} took over a backstop liquidation, "
        f"{len(faced - took_over)} are known only as the side against which clients were deleveraged",
        f"{len(builder)} coins of builder-deployed exchanges are kept: {_names(builder) or 'none'}",
        "marks are known only from liquidations; collateral, funding and margin are not delivered",
        "without collateral no wallet here says that an account was below zero; accounts are unprotected",
    ]


def _names(coins: Iterable[str]) -> str:
    names = sorted(coins)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
