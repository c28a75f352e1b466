"""Hyperliquid's archived fills: both sides of every trade, with fees; see docs/adapters."""

from collections.abc import Iterator
from pathlib import Path

from lossledger.adapters.delivered import decimal, places, plain, step, utc_text_of_ms
from lossledger.adapters.hyperliquid_books import Seen, notes
from lossledger.adapters.hyperliquid_files import Event, events
from lossledger.adapters.hyperliquid_roles import ONE_SIDED, SETTLEMENT, coin_class, kind
from lossledger.adapters.landing import landing_zone
from lossledger.adapters.report import AdaptReport
from lossledger.engine.errors import DataError

NAME = "hyperliquid-fills"
SCALE = 6
VALID_FROM = "2020-01-01"  # well before the archive
MAINTENANCE_RATE = "0.01"  # not delivered: an assumption, see the documentation
SIDES = {"B": "buy", "A": "sell"}

POLICY = """\
# Hyperliquid fills. Every value may be changed; see docs/adapters/hyperliquid-fills.md.
- valid_from: 2020-01-01
  # The venue's own liquidation and ADL fills are the execution.
  execution: recorded
  trigger: lt
  # Marks are those of liquidations, so a date without one has no file of ticks, and is complete all the same.
  required_datasets: []
  # The venue has no insurance fund: its liquidator's vault bears what the fund would, and what the vault makes
  # or loses with positions that it took over is published as the fund's, which starts at 0.
  liquidation_fee_to: venue
  residual: to_account
  # Collateral is not delivered, so no wallet here is a loss that anybody could be charged for.
  sharing: none
  session_start: '00:00'
"""


def adapt(source: Path, landing: Path) -> AdaptReport:
    """Write the archive files in `source` as a landing zone.

    DataError: no file, a damaged or repeated block, a trade without two matching sides, no fill of a perpetual.
    ConfigError: see `landing_zone`.
    """
    report, seen = AdaptReport(NAME, landing), Seen()
    with landing_zone(report, source) as zone:
        zone.dated("fills", _fills(source, seen))
        _refuse_half_trades(seen)
        left_out = sum(coins.total() for coins in seen.left_out.values())
        report.refuse_empty(
            "fills",
            f"{left_out} fills were" if left_out else f"{seen.delivery.lines} lines were",
            "none of them is of a perpetual" if left_out else "none of them holds a fill",
        )
        coins = sorted(seen.settlement)
        zone.reference("currencies", [(c, str(SCALE)) for c in sorted(set(seen.settlement.values()))])
        zone.reference("instruments", [_instrument(coin, seen) for coin in coins])
        zone.reference("margin_tiers", [(coin, VALID_FROM, "0", MAINTENANCE_RATE) for coin in coins])
        liquidators = seen.roles.liquidators()
        zone.reference(
            "accounts",
            [
                (user, "liquidator" if user in liquidators else "client", "retail", "false", VALID_FROM)
                for user in sorted(seen.accounts)
            ],
        )
        zone.dated("ticks", [(ts, coin, mark) for (ts, coin), mark in sorted(seen.marks.items())])
        zone.policy(POLICY)
        report.notes += notes(seen)
    return report


def _refuse_half_trades(seen: Seen) -> None:
    """DataError that tells missing files from a kind of event that this adapter does not know."""
    if not seen.half_trades:
        return
    first = min(key[2] for key in seen.half_trades)
    dirs = sorted({str(half[3]) for half in seen.half_trades.values()})
    raise DataError(
        f"{len(seen.half_trades)} trades have one side only (first: {first}): fetch the missing hours; if none "
        f"is missing, the adapter does not know a dir among {', '.join(dirs)}"
    )


def _fills(source: Path, seen: Seen) -> Iterator[tuple[str, ...]]:
    for event in events(source, seen.delivery):
        fill = event.fill
        coin = fill["coin"]
        scope = coin_class(coin)
        if scope in ("perpetual", "spot") and fill["dir"] not in ONE_SIDED:
            seen.pair(fill, event.where)
        if scope != "perpetual":
            seen.left_out[scope][coin] += 1
            seen.dust += fill["dir"] in ONE_SIDED and scope == "spot"
            continue
        yield _fill(event, seen)


def _fill(event: Event, seen: Seen) -> tuple[str, ...]:
    fill, where, user = event.fill, event.where, event.user
    coin, ts = fill["coin"], utc_text_of_ms(fill["time"])
    size = decimal(fill["sz"], where)
    price_text, size_text = plain(decimal(fill["px"], where)), plain(size)
    seen.price_places[coin] = max(seen.price_places[coin], places(price_text))
    seen.size_places[coin] = max(seen.size_places[coin], places(size_text))
    seen.settles_in(coin, fill["feeToken"], where)
    side = SIDES.get(fill["side"], fill["side"])  # an unknown side is quarantined by the load
    seen.follow(user, coin, decimal(fill["startPosition"], where), size if side == "buy" else -size)
    seen.accounts.add(user)
    seen.roles.read(user, fill)
    seen.settled[coin] += fill["dir"] == SETTLEMENT
    mark = (fill.get("liquidation") or {}).get("markPx")
    if mark is not None:
        seen.marks[ts, coin] = plain(decimal(mark, where))
    fee = plain(decimal(fill["fee"], where))
    how = (side, price_text, size_text, fee, kind(user, fill))
    return ts, event.id, str(fill["tid"]), user, coin, *how


def _instrument(coin: str, seen: Seen) -> tuple[str, ...]:
    currency = seen.settlement[coin]
    tick, lot = step(seen.price_places[coin]), step(seen.size_places[coin])
    return coin, "linear", coin, currency, currency, "1", tick, lot, VALID_FROM
