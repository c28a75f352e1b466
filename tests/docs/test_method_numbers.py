"""The other worked numbers of docs/method.md, as the rules compute them."""

import re
from decimal import Decimal

from lossledger.engine.intake.parsing import parse_decimal_e18
from lossledger.engine.numbers import E18, e18_to_units, round_half_even_div, units_to_e18
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.margin import TierTable
from lossledger.engine.rules.sharing import largest_remainder
from tests.cases import expected
from tests.docs.pages import ROOT, table
from tests.docs.test_method_examples import METHOD, ONE_PERCENT, components, quoted_table
from tests.spec.tables import Result, expect, session

PAGE = ROOT / "docs" / "method.md"
FLAT = " ".join(METHOD.replace("\n> ", " ").split())


def cents(text: str) -> int:
    return e18_to_units(parse_decimal_e18(text), 2)


def client(later: str = "", protected: str = "false") -> Result:
    """She deposits 10.00, buys 1 at 100, pays 0.03 of funding, and is closed at 85 when the mark is 90."""
    return session(
        f"""
        time  | event       | amount | side | quantity | price | fee | rate
        09:00 | transfer    | 10
        09:00 | fill        |        | buy  | 1        | 100
        09:30 | funding     |        |      |          | 100   |     | 0.000333
        10:00 | tick        |        |      |          | 90
        10:01 | liquidation |        | sell | 1        | 85    | 0.10{later}
        """,
        tiers=ONE_PERCENT,
        accounts=f"account | type | protected\n a | client | {protected}",
    )


def test_rounding_is_half_to_even() -> None:
    assert "45.005 becomes 45.00, and 45.015 becomes 45.02" in FLAT
    assert [round_half_even_div(n, 10) for n in (45_005, 45_015)] == [4_500, 4_502]


def test_contract_values() -> None:
    for kind, _, example in table(PAGE, "## What a position is worth"):
        pattern = r"(\S+) at ([\d.,]+?)(?: with multiplier (\S+))?(?:, scale (\d+))?: (\S+)"
        found = re.fullmatch(pattern, example)
        assert found, example
        quantity, price, multiplier, scale, value = found.groups()
        terms = Contract("X", kind, "C", int(scale or 2), parse_decimal_e18(multiplier or "1"))
        units = terms.value_units(parse_decimal_e18(quantity), parse_decimal_e18(price.replace(",", "")))
        assert units_to_e18(units, terms.scale) == parse_decimal_e18(value), example


def test_margin_does_not_jump_at_a_floor() -> None:
    assert "1,500 × 2 % − 10 = 20, which is 1,000 × 1 % + 500 × 2 %" in FLAT
    tiers = TierTable([(0, E18 // 100), (1000 * E18, E18 // 50)], 2)
    assert tiers.maintenance_margin_units(cents("1500")) == cents("20")


def test_the_client_is_triggered_below_zero() -> None:
    assert "equity is 9.97 − 10.00 = −0.03, margin is 0.90" in FLAT
    expect(client(), "liquidations", "equity_at_trigger | maintenance_margin_at_trigger\n -0.03 | 0.9")


def test_causes_add_up() -> None:
    _, *rows, whole = quoted_table("The client above is closed at 85")
    shown = {name: Decimal(amount.replace("−", "-")) for name, amount, _ in rows}
    assert shown == {name: Decimal(amount) for name, amount in components(client()).items()}
    assert sum(shown.values()) == Decimal(whole[1]) == Decimal("5.13")


def test_a_receivable_falls_when_money_comes_in() -> None:
    assert "a receivable of 5.13. A deposit of 3.00 leaves 2.13 owed, a later one of 10.00" in FLAT
    assert "leaves nothing owed and 7.87 in the wallet" in FLAT
    for deposits, debt in (("", "5.13"), ("\n11:00 | transfer | 3", "2.13")):
        expect(client(deposits), "receivables_daily", f"closing_debt\n {debt}")
    paid = client("\n11:00 | transfer | 3\n12:00 | transfer | 10")
    expect(paid, "receivables_daily", "closing_debt\n 0")
    expect(paid, "account_daily", "closing_wallet\n 7.87")


def test_protection_does_not_reach_back() -> None:
    assert "ends at −15.03. The episode's deficit is 15.03. The covered event is 10.00" in FLAT
    [episode] = [
        row for row in expected("edges", "liquidations") if Decimal(row["deficit"]) == Decimal("15.03")
    ]
    [event] = [
        row for row in expected("edges", "negative_balances") if row["account_id"] == episode["account_id"]
        and row["protected"] == "true"
    ]  # fmt: skip
    assert Decimal(event["deficit"]) == 10


def test_the_fund_pays_down_to_its_floor() -> None:
    assert "A deficit of 9.53 draws 1.95. Its shortfall is 7.58." in FLAT
    [event] = [
        row for row in expected("edges", "negative_balances") if Decimal(row["deficit"]) == Decimal("9.53")
    ]
    assert [Decimal(event[name]) for name in ("fund_draw", "shortfall")] == [Decimal("1.95"), Decimal("7.58")]


def test_whole_cents_by_largest_remainder() -> None:
    _, *rows, _ = quoted_table("39.39 is shared over bases of 65.86")
    bases: list[tuple[str, int]] = []
    told: list[int] = []
    for basis, _, _, charge in rows:
        count = {"three": 3, "two": 2}.get((re.findall(r"\((\w+) accounts\)", basis) or [""])[0], 1)
        bases += [(f"{len(bases) + n:02}", cents(basis.split()[0])) for n in range(count)]
        amounts = re.findall(r"\d+\.\d+", charge)
        told += [cents(amount) for amount in (amounts * count)[:count]]
    assert sum(basis for _, basis in bases) == cents("65.86")
    assert list(largest_remainder(cents("39.39"), bases).values()) == told


def test_a_deleveraged_account_may_gain_at_the_mark() -> None:
    assert "Sold 0.5 at 91 when the mark was 89.50, it *gained* 0.75" in FLAT
    [loss] = [row for row in expected("edges", "adl_losses") if row["side"] == "sell"]
    assert [Decimal(loss[name]) for name in ("quantity", "price", "mark_price", "amount")] == [
        Decimal(text) for text in ("0.5", "91", "89.5", "-0.75")
    ]
