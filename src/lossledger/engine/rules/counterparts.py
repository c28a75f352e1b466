"""Who stood on the other side of a liquidation: of a deleveraging or a takeover (rules.md sections 12 and 15)."""

from collections.abc import Iterable, Mapping

from lossledger.engine.events import Account, Fill, Trade, UnitKey
from lossledger.engine.ids import order_key


def mark_counterparts(
    fills: Iterable[tuple[UnitKey, Fill]], accounts: Mapping[str, Account]
) -> list[tuple[UnitKey, Fill]]:
    """All accepted fills with what stood on the other side of their trades (`met_by_adl`, `met_by_liquidator`)."""
    given = list(fills)
    adl: set[tuple[Trade, int]] = set()
    taken: set[tuple[Trade, int]] = set()
    for key, fill in given:
        if accounts[key.account_id].is_liquidator:
            taken.add(_at(fill))
        elif fill.kind == "adl":
            adl.add(_at(fill))
    marked = []
    for key, fill in given:
        liquidation = fill.kind == "liquidation" and not accounts[key.account_id].is_liquidator
        by_adl = (liquidation or accounts[key.account_id].is_liquidator) and _at(fill) in adl
        taken_over = liquidation and _at(fill) in taken
        marked.append((key, fill._replace(met_by_adl=by_adl, met_by_liquidator=taken_over)))
    return marked


def origins_of(fills: Iterable[tuple[UnitKey, Fill]], accounts: Mapping[str, Account]) -> dict[str, UnitKey]:
    """Per fill of a liquidator the unit of the client's liquidation fill with its trade and time.

    Of several that with the smallest fill_id; a fill of a liquidator without one is left out.
    """
    given = list(fills)
    liquidated: dict[tuple[Trade, int], tuple[str, UnitKey]] = {}
    for key, fill in given:
        if fill.kind == "liquidation" and accounts[key.account_id].is_client:
            found = (order_key(fill.fill_id), key)
            liquidated[_at(fill)] = min(found, liquidated.get(_at(fill), found))
    return {
        fill.fill_id: liquidated[_at(fill)][1]
        for key, fill in given
        if accounts[key.account_id].is_liquidator and _at(fill) in liquidated
    }


def _at(fill: Fill) -> tuple[Trade, int]:
    return Trade(fill.instrument_id, fill.trade_id), fill.ts
