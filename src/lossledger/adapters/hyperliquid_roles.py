"""What a fill of Hyperliquid is: its coin's class, its kind, and whose part in a liquidation it shows."""

import re
from functools import lru_cache
from typing import Any

ADL, SETTLEMENT, DUST = "Auto-Deleveraging", "Settlement", "Spot Dust Conversion"
ONE_SIDED = frozenset({SETTLEMENT, DUST})  # `dir` of fills against nobody
KINDS = {ADL: "adl", SETTLEMENT: "settlement"}
_PERPETUAL = re.compile(r"(\w+:)?\w+")  # BTC, kPEPE; of a builder-deployed exchange xyz:GOLD


@lru_cache(4096)
def coin_class(coin: str) -> str:
    """`perpetual`; or what is out of scope: `spot` (@107, PURR/USDC), `outcome` (#118440), `unknown`."""
    if coin.startswith("@") or "/" in coin:
        return "spot"
    if coin.startswith(("#", "+")):
        return "outcome"
    return "perpetual" if _PERPETUAL.fullmatch(coin) else "unknown"


def kind(user: str, fill: dict[str, Any]) -> str:
    """The kind of a fill in the landing zone: the liquidated user's is `liquidation`, whatever its `dir`."""
    if _liquidated(fill) == user:
        return "liquidation"
    return KINDS.get(fill["dir"], "normal")


class Roles:
    """Who is the venue's own liquidator, as the fills of those who traded against a `liquidatedUser` show it.

    `liquidation` stands on both sides of a trade. Who faces the liquidated user in a `backstop` is the liquidator,
    unless that side's `dir` is Auto-Deleveraging: then it is a client who was deleveraged, and the one whom
    the venue calls liquidated is the liquidator that gets rid of what it took over.
    """

    def __init__(self) -> None:
        self.took_over: set[str] = set()
        self._faced_deleveraging: set[str] = set()
        self._liquidated: set[str] = set()

    def read(self, user: str, fill: dict[str, Any]) -> None:
        liquidated = _liquidated(fill)
        if liquidated is None or liquidated == user:
            return
        is_backstop = fill["liquidation"].get("method") == "backstop"
        if fill["dir"] == ADL and is_backstop:
            self._faced_deleveraging.add(liquidated)
            return
        self._liquidated.add(liquidated)
        if is_backstop:
            self.took_over.add(user)

    def faced_deleveraging(self) -> set[str]:
        """Whom clients were deleveraged against, but for accounts that were liquidated as clients are."""
        return self._faced_deleveraging - self._liquidated

    def liquidators(self) -> set[str]:
        """Accounts of type `liquidator`: what they make of the positions is the fund's (rules, section 15)."""
        return self.took_over | self.faced_deleveraging()


def _liquidated(fill: dict[str, Any]) -> str | None:
    liquidation = fill.get("liquidation") or {}
    user = liquidation.get("liquidatedUser")
    return user if isinstance(user, str) else None
