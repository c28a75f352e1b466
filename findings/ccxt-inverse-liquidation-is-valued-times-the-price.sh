#!/usr/bin/env bash
# ccxt-inverse-liquidation-is-valued-times-the-price: of an inverse contract's liquidation ccxt calls the dollars base and multiplies them by the price.
# Expected (a good guess): 1,000 contracts of 1 USD at 50,000 are a quoteValue of 1,000 (USD) and a baseValue of 0.02 (BTC).
# Seen (ccxt 4.5.90, Bybit and Gate, 2026-12-01): baseValue 1,000 and quoteValue 50,000,000. The unified trade
#   of the same size has the right cost, 0.02 BTC. Of a linear contract both values are right.
# Who meets it: whoever adds up liquidations over contracts by quoteValue. What to do instead: contracts × contractSize is
#   the value in dollars where market["inverse"] is true.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'ccxt==4.5.90'
"$T/v/bin/python" - <<'P'
import ccxt

print("ccxt", ccxt.__version__)


def market(name, base, quote, settle, size, inverse):
    """A perpetual contract, as load_markets would give it."""
    return {
        "id": name, "symbol": f"{base}/{quote}:{settle}", "base": base, "quote": quote, "settle": settle,
        "baseId": base, "quoteId": quote, "settleId": settle, "type": "swap", "contract": True, "swap": True,
        "spot": False, "margin": False, "future": False, "option": False, "active": True, "inverse": inverse,
        "linear": not inverse, "contractSize": size, "precision": {"amount": 0.001, "price": 0.1}, "limits": {},
    }  # fmt: skip


def values(venue, contract, raw):
    """baseValue and quoteValue of a liquidation, and the cost of a trade of the same size and price."""
    venue.set_markets({contract["symbol"]: contract})
    parsed = venue.parse_liquidation(raw, venue.market(contract["symbol"]))
    size, price = str(parsed["contracts"]), str(parsed["price"])
    cost = venue.safe_trade({"amount": size, "price": price}, venue.market(contract["symbol"]))["cost"]
    found = parsed["baseValue"], parsed["quoteValue"], cost
    print(f"{venue.id} {parsed['symbol']}: baseValue {found[0]}, quoteValue {found[1]}; a trade costs {cost}")
    return found


def bybit(name, contracts):
    return {"symbol": name, "side": "Sell", "execQty": contracts, "execPrice": "50000", "execTime": "1760130964831"}


def gate(name, contracts):
    return {"contract": name, "size": contracts, "left": 0, "fill_price": "50000", "time": 1760130964}


WRONG, RIGHT = (1000, 50_000_000, 0.02), (0.02, 1000, 1000)
assert values(ccxt.bybit(), market("BTCUSD", "BTC", "USD", "BTC", 1.0, True), bybit("BTCUSD", "1000")) == WRONG
assert values(ccxt.gate(), market("BTC_USD", "BTC", "USD", "BTC", 1.0, True), gate("BTC_USD", 1000)) == WRONG
linear = market("BTCUSDT", "BTC", "USDT", "USDT", 1.0, False)
assert values(ccxt.bybit(), linear, bybit("BTCUSDT", "0.02")) == RIGHT
P
