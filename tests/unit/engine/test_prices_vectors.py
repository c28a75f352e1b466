"""Published and open-source vectors of other venues against our prices and shares (docs/prices.md)."""

import json
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from lossledger.engine.prices import OpenPosition, Tier, bankruptcy_price, liquidation_price, position_at
from lossledger.engine.rules.sharing import largest_remainder

VECTORS = Path(__file__).parents[2] / "data" / "protocol_vectors"
MICRO = 10**6


def load(name: str) -> dict[str, Any]:
    """All numbers as text: no binary float."""
    data: dict[str, Any] = json.loads((VECTORS / name).read_text(), parse_float=str, parse_int=str)
    return data


CEX = load("cex_liquidation_price_vectors.json")
DYDX = load("dydx_v4_vectors.json")
DRIFT = load("drift_v2_vectors.json")
MANGO = load("mango_v4_vectors.json")


def ids(cases: list[dict[str, Any]]) -> list[str]:
    return [case["id"] for case in cases]


def last_place(text: str) -> Fraction:
    return Fraction(1, 10 ** len(text.partition(".")[2]))


def tiers_with(rate: Fraction, deduction: Fraction) -> list[Tier]:
    """A table whose upper tier has this rate and this deduction."""
    return [(0, 0), (deduction / rate, rate)] if deduction else [(0, rate)]


def side_of(text: str) -> int:
    return {"long": 1, "short": -1}[text]


@pytest.mark.parametrize("case", CEX["binance_official_examples"], ids=ids(CEX["binance_official_examples"]))
def test_binance_examples(case: dict[str, Any]) -> None:
    others = Fraction(0)
    for other in case["others"]:
        size, mark = Fraction(other["size"]), Fraction(other["mark"])
        margin = size * mark * Fraction(other["mmr"]) - Fraction(other["maint_amount"])
        others += size * (mark - Fraction(other["entry"])) - margin
    price = liquidation_price(
        position_at("linear", 1, Fraction(case["size"]), Fraction(case["entry"])),
        Fraction(case["wallet_balance"]),
        tiers_with(Fraction(case["mmr"]), Fraction(case["maint_amount"])),
        others=others,
    )
    assert price is not None
    assert abs(price - Fraction(case["expected_liq"])) <= last_place(case["expected_liq"]) / 2


MARGIN_AS_TYPED = {"ft02": Fraction("3.3333333333")}  # a third of 10 with ten decimals in the original


@pytest.mark.parametrize("case", CEX["simple"], ids=ids(CEX["simple"]))
def test_exchange_formulas_of_freqtrade(case: dict[str, Any]) -> None:
    size, entry, rate = Fraction(case["size"]), Fraction(case["entry"]), Fraction(case["mmr"])
    position = position_at("linear", side_of(case["side"]), size, entry)
    margin = MARGIN_AS_TYPED.get(case["id"], size * entry / Fraction(case["leverage"]))
    fee_rate = Fraction(case["taker_fee"] or 0)
    if case["exchange"] == "bybit":
        # maintenance is a fixed share of the entry value there: the price at which only that is left
        price = bankruptcy_price(position, margin - size * entry * rate)
    else:
        deduction = Fraction(case["maint_amount"]) if case["exchange"] == "binance" else Fraction(0)
        price = liquidation_price(position, margin, tiers_with(rate, deduction), fee_rate=fee_rate)
    assert price is not None
    # ft18 is printed cut off; the others went through binary arithmetic and may be two of its steps off
    binary = Fraction(2, 2**49)  # the step of a binary float from 8 to 16
    assert abs(price - Fraction(case["expected_liq"])) <= max(last_place(case["expected_liq"]), binary)


def margin_share(case: dict[str, Any], positions: dict[str, Fraction]) -> Fraction:
    """dYdX gives each position a part of the account's equity in proportion to its maintenance margin."""
    prices = {coin: Fraction(p) for coin, p in case["oracle_prices"].items()}
    notional = {coin: abs(size) * prices[coin] for coin, size in positions.items()}
    return notional[case["market"]] / sum(notional.values())


def bankruptcy_quote(case: dict[str, Any], usdc: Fraction, positions: dict[str, Fraction]) -> Fraction | None:
    """Bankruptcy price of the case's position, its share of the account's equity being all it may lose."""
    prices = {coin: Fraction(p) for coin, p in case["oracle_prices"].items()}
    equity = usdc + sum((size * prices[coin] for coin, size in positions.items()), Fraction(0))
    size = positions[case["market"]]
    at_oracle = position_at("linear", 1 if size > 0 else -1, abs(size), prices[case["market"]])
    return bankruptcy_price(at_oracle, equity * margin_share(case, positions))


def coins(account: dict[str, str]) -> dict[str, Fraction]:
    return {coin: Fraction(size) for coin, size in account.items() if coin in ("BTC", "ETH")}


@pytest.mark.parametrize("case", DYDX["bankruptcy_price"], ids=ids(DYDX["bankruptcy_price"]))
def test_dydx_bankruptcy_price(case: dict[str, Any]) -> None:
    delta, positions = Fraction(case["delta_size"]), coins(case["positions"])
    price = bankruptcy_quote(case, Fraction(case["usdc_balance"]), positions)
    expected = case["expected_bankruptcy_value_quote_microusd"]
    if expected is None:
        assert delta == 0, "nothing is closed: outside"
        return
    if int(expected) / delta > 0:
        # a long that was paid to hold: its price would be negative, and ours are not
        assert price is None
        return
    assert price is not None
    assert ceil(-delta * price * MICRO) == int(expected), "the venue rounds the quote value up"


@pytest.mark.parametrize("case", DYDX["insurance_fund_delta"], ids=ids(DYDX["insurance_fund_delta"]))
def test_dydx_insurance_fund_delta(case: dict[str, Any]) -> None:
    """Below the bankruptcy price the fund pays our deficit; above it the venue takes a capped fee."""
    side, usdc = side_of(case["account_side"]), Fraction(case["usdc_balance"])
    size, fill = Fraction(case["close_size"]), Fraction(case["fill_price"])
    price = bankruptcy_price(OpenPosition("linear", side, size, 0), usdc)
    assert price is not None
    terminal_equity = side * size * (fill - price)
    assert terminal_equity == usdc + side * size * fill, "what is left in the wallet"
    delta = min(terminal_equity, size * fill * Fraction(case["max_liquidation_fee"]))
    assert delta * MICRO == int(case["expected_insurance_fund_delta_microusd"])


@pytest.mark.parametrize("case", DYDX["adl_pairwise"], ids=ids(DYDX["adl_pairwise"]))
def test_dydx_deleveraging_closes_at_the_bankruptcy_price(case: dict[str, Any]) -> None:
    short, long = case["liquidated"], case["offsetting"]
    size = Fraction(case["delta_size"])
    usdc, their_usdc = Fraction(short["usdc"]), Fraction(long["usdc"])
    price = bankruptcy_price(OpenPosition("linear", -1, 1, 0), usdc)
    theirs = bankruptcy_price(OpenPosition("linear", 1, 1, 0), their_usdc)
    assert price is not None
    if case["expected_error"]:
        assert theirs is not None and theirs > price, "the counterparty would be bankrupt at that price"
        return
    assert theirs is None or theirs <= price
    assert usdc - size * price == Fraction(case["expected_liquidated"]["usdc"])
    assert their_usdc + size * price == Fraction(case["expected_offsetting"]["usdc"])


@pytest.mark.parametrize("case", DYDX["adl_multi"], ids=ids(DYDX["adl_multi"]))
def test_dydx_deleveraging_of_several_accounts(case: dict[str, Any]) -> None:
    positions = coins(case["liquidated"])
    price = bankruptcy_quote(case, Fraction(case["liquidated"]["usdc"]), positions)
    assert price is not None
    takers = (
        case["offsetting"] if isinstance(case["offsetting"], list) else [{"id": "D0"} | case["offsetting"]]
    )
    expected = case.get("expected_offsetting", [])
    after = {a.get("id", "D0"): a for a in (expected if isinstance(expected, list) else [expected])}
    filled = {owner: Fraction(size) for owner, size in case.get("expected_fills", [["D0", "1"]])}
    for taker in takers:
        usdc, size = Fraction(taker["usdc"]), Fraction(taker["BTC"])
        theirs = bankruptcy_price(OpenPosition("linear", 1, size, 0), usdc)
        can = theirs is None or theirs <= price
        assert can == (taker["id"] in filled)
        if can:
            assert usdc + filled[taker["id"]] * price == Fraction(after[taker["id"]]["usdc"])


def two_sided_shares(loss_units: int, sizes: dict[str, Fraction]) -> dict[str, int]:
    """`open_interest_prorata`: the loss split over Σ value per unit, both sides, by largest remainder.

    All positions are in one instrument with one mark, so values are in the proportion of sizes.
    """
    common = max(size.denominator for size in sizes.values())
    return largest_remainder(loss_units, [(unit, int(abs(s) * common)) for unit, s in sorted(sizes.items())])


@pytest.mark.parametrize("case", DRIFT["perp_social_loss"], ids=ids(DRIFT["perp_social_loss"]))
def test_drift_socialises_over_open_interest_of_both_sides(case: dict[str, Any]) -> None:
    """The venue rounds its charge per base up to 10^-5, so it collects at most that much more per base."""
    loss = int(-Fraction(case["bankrupt_quote"]) - Fraction(case.get("fee_pool", "0"))) * MICRO
    sizes = {"long": Fraction(case["oi_long"]), "short": Fraction(case["oi_short"])}
    if case.get("expected_error"):
        assert sizes == {"long": 0, "short": 0}, "no open interest: rejected there, uncovered under our rule"
        return
    shares = two_sided_shares(loss, sizes)
    per_base = Fraction(case["expected_funding_rate_delta_per_base"])
    assert sum(shares.values()) == loss
    for side, size in sizes.items():
        over = abs(size) * per_base * MICRO - shares[side]
        assert -1 < over <= abs(size) * 10 + 1
    for holder in case.get("affected", []):
        assert shares[holder["side"]] == Fraction(holder["loss"]) * MICRO


def test_drift_over_collects_what_our_split_does_not() -> None:
    example = load("worked_examples.json")["drift"]
    assert two_sided_shares(100 * MICRO, {"long": Fraction(7), "short": Fraction(-4)}) == {
        "long": 63_636_364,
        "short": 36_363_636,
    }
    per_base = Fraction(example["delta_1e9"]) / 10**9
    assert 11 * per_base * MICRO == Fraction(example["collected_micro"]) == 100 * MICRO + 10


def test_vertex_share_per_base() -> None:
    shares = two_sided_shares(100 * MICRO, {"long": Fraction(7), "short": Fraction(-7)})
    example = load("worked_examples.json")["vertex"]["fundingPerShare"]
    assert abs(Fraction(shares["long"], 7 * MICRO) - Fraction(example)) <= last_place(example)


FEE = Fraction("1.05")  # what the insurance fund pays per unit of debt it takes over


@pytest.mark.parametrize("case", MANGO["cases"], ids=ids(MANGO["cases"]))
def test_mango_socialises_what_settlement_and_fund_leave(case: dict[str, Any]) -> None:
    """loss = min(−health, −pnl − settlement); the fund pays first; the rest goes to holders of both sides."""
    expected = {key: Fraction(value) for key, value in case["expected"].items()}
    loss = min(-Fraction(case["health"]), -Fraction(case["pnl"]) - expected["settlement"])
    price = Fraction(case.get("insurance_token_price", "1"))
    fund_value = Fraction(case["insurance"]) * price
    if case["id"] == "mg1":
        assert expected["insurance"] == expected["socialized"] == 0, "the limit is spent on settlement"
        return
    limit = Fraction(case["max_liab_transfer"] or 1_000) - expected["settlement"]
    draw = min(loss, limit, fund_value / FEE)
    shortfall = loss - draw
    assert abs(shortfall - expected["socialized"]) < Fraction(1, 1_000), "printed with three decimals"
    assert expected["insurance"] == ceil(draw * FEE / price), "rounded up to a native token"
    units = int(shortfall * MICRO)
    shares = two_sided_shares(units, {"long": Fraction(7), "short": Fraction(-4)})
    assert sum(shares.values()) == units
    per_base = Fraction(int(shortfall * 2**48 / 11), 2**48)  # the venue truncates to 48 bits
    for side, size in (("long", 7), ("short", 4)):
        assert abs(size * per_base * MICRO - shares[side]) <= 1 + Fraction(size * MICRO, 2**48)
