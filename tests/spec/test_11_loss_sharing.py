"""Who pays what the fund could not (rules.md section 11)."""

import json
from pathlib import Path

import pytest

from lossledger.engine.rules.sharing import largest_remainder
from tests.spec.tables import expect, parse, session

VECTORS = Path(__file__).parents[1] / "data" / "protocol_vectors" / "worked_examples.json"

# The account `loser` ends 100 below zero, and there is no fund. Others stand on the other side of the market.
LOSS = """
    time  | account | event       | isolation | amount | side | quantity | price | fee | rate
    09:00 | loser   | transfer    |           | 100
    09:00 | loser   | fill        |           |        | buy  | 1        | 1000
    09:30 |         | tick        |           |        |      |          | 1000
    10:00 |         | tick        |           |        |      |          | 850
    10:01 | loser   | liquidation |           |        | sell | 1        | 800
"""
HOUSE_TOO = """
    account | type   | protected
    house   | house  | false
"""


def test_profit_of_the_session_pays_in_proportion() -> None:
    """150 and 300 of unrealised profit at the last mark: 33.33 and 66.67 of the 100."""
    result = session(
        LOSS
        + """
    09:00 | w1      | transfer    |           | 1000
    09:00 | w1      | fill        |           |        | sell | 1        | 1000
    09:00 | w2      | transfer    |           | 1000
    09:00 | w2      | fill        |           |        | sell | 2        | 1000
    """
    )
    expect(
        result,
        "socialised_losses",
        """
        account_id | basis | charge
        w1         | 150   | 33.33
        w2         | 300   | 66.67
        """,
    )
    expect(
        result,
        "session_losses",
        """
        shortfall | socialised | uncovered | basis_total | payers
        100       | 100        | 0         | 450         | 2
        """,
    )


def test_fees_and_funding_are_part_of_profit_and_transfers_are_not() -> None:
    """Realised 150, a fee of 2 paid, 1 of funding received: the basis is 149; the deposit counts nothing."""
    result = session(
        LOSS
        + """
    09:00 | w       | transfer    |           | 1000
    09:00 | w       | fill        |           |        | sell | 1        | 1000  | 2
    09:40 |         | funding     |           |        |      |          | 1000  |     | 0.001
    11:00 | w       | fill        |           |        | buy  | 1        | 850
    """
    )
    expect(result, "socialised_losses", "account_id | basis\n w | 149")


def test_equal_fractions_go_to_the_smaller_account() -> None:
    """100.01 on two equal profits: one unit is left over after 50.00 each."""
    result = session(
        LOSS.replace("sell | 1        | 800", "sell | 1        | 800   | 0.01")
        + """
    09:00 | w2      | transfer    |           | 1000
    09:00 | w2      | fill        |           |        | sell | 1        | 1000
    09:00 | w1      | transfer    |           | 1000
    09:00 | w1      | fill        |           |        | sell | 1        | 1000
    """,
        liquidation_fee_to="venue",
    )
    expect(result, "socialised_losses", "account_id | charge\n w1 | 50.01\n w2 | 50")


@pytest.mark.parametrize(
    "row",
    parse("""
        total | a | b | c | shares  | why
        10    | 1 | 1 | 1 | 4 3 3   | one left over: the first of equal fractions
        11    | 1 | 1 | 1 | 4 4 3   | two left over
        5     | 3 | 2 | 1 | 2 2 1   | 2.5, 1.67, 0.83: c and b have the largest fractions
        0     | 3 | 2 | 1 | 0 0 0   | nothing to share
        7     | 0 | 2 | 5 | 0 2 5   | whole shares, nothing left over
    """),
    ids=lambda row: row["why"],
)
def test_largest_remainder(row: dict[str, str]) -> None:
    shares = largest_remainder(int(row["total"]), [(name, int(row[name])) for name in "abc"])
    assert list(shares.values()) == [int(share) for share in row["shares"].split()]


def test_published_example_of_another_venue() -> None:
    """Six profits share 10,000.00: rounding each share would charge 10,000.01."""
    example = json.loads(VECTORS.read_text(), parse_float=str)["crypto_com_B"]
    profits = {"A": 50_000, "B": 45_000, "C": 30_000, "D": 30_000, "E": 15_000, "F": 1_000}
    shares = largest_remainder(1_000_000, sorted(profits.items()))
    assert shares == example["largest_remainder_cents"]
    assert (sum(shares.values()), example["naive_sum_cents"]) == (1_000_000, 1_000_001)


def test_nobody_is_charged_more_than_what_is_there() -> None:
    """w1 made 150 and took 130 out: 40 are left, and they are its basis. The rest is w2's and then nobody's."""
    result = session(
        LOSS
        + """
    09:00 | w1      | transfer    |           | 20
    09:00 | w1      | fill        |           |        | sell | 1        | 1000
    11:00 | w1      | fill        |           |        | buy  | 1        | 850
    12:00 | w1      | transfer    |           | -130
    09:00 | w2      | transfer    |           | 100
    09:00 | w2      | fill        |           |        | sell | 0.2      | 1000
    """
    )
    expect(result, "socialised_losses", "account_id | basis | charge\n w1 | 40 | 40\n w2 | 30 | 30")
    expect(result, "session_losses", "shortfall | socialised | uncovered | payers\n 100 | 70 | 30 | 2")


def test_equity_pays_under_equity_sharing() -> None:
    """300 and 100 at the end, profit or not."""
    result = session(
        LOSS
        + """
    09:00 | w1      | transfer    |           | 300
    09:00 | w2      | transfer    |           | 100
    """,
        sharing="equity_prorata",
    )
    expect(result, "socialised_losses", "account_id | basis | charge\n w1 | 300 | 75\n w2 | 100 | 25")


def test_house_accounts_never_pay() -> None:
    result = session(
        LOSS
        + """
    09:00 | house   | fill        |           |        | sell | 1        | 1000
    """,
        accounts=HOUSE_TOO,
    )
    expect(result, "socialised_losses", "account_id")
    expect(result, "session_losses", "basis_total | uncovered\n 0 | 100")


def test_without_sharing_all_is_uncovered() -> None:
    result = session(LOSS + "\n 09:00 | w | transfer | | 1000", sharing="none")
    expect(result, "session_losses", "method | shortfall | socialised | uncovered\n none | 100 | 0 | 100")


def test_charge_is_taken_from_the_cross_unit_first() -> None:
    """Cross holds 30, the isolated unit 620 with its profit: the 100 are 30 from one and 70 from the other."""
    result = session(
        LOSS
        + """
    09:00 | w       | transfer    |           | 30
    09:00 | w       | transfer    | P         | 470
    09:00 | w       | fill        | P         |        | sell | 1        | 1000
    """
    )
    expect(result, "socialised_losses", "account_id | basis | charge\n w | 150 | 100")
    assert result.charges == {("w", ""): "30", ("w", "P"): "70"}


def test_charge_leaves_out_a_unit_below_zero() -> None:
    """The cross unit owes 5 after a withdrawal: nothing is taken from it, and κ counts it as 0."""
    result = session(
        LOSS
        + """
    09:00 | w       | transfer    |           | -5
    09:00 | w       | transfer    | P         | 470
    09:00 | w       | fill        | P         |        | sell | 1        | 1000
    """
    )
    assert result.charges == {("w", "P"): "100"}


def test_profit_is_what_the_published_columns_say() -> None:
    """20 were unrealised at the end of the day before: of 1,000 − 850 only 130 are the session's profit."""
    result = session(
        """
        time  | account | event       | isolation | amount | side | quantity | price
        10:00 |         | tick        |           |        |      |          | 850
        10:01 | loser   | liquidation |           |        | sell | 1        | 800
        """,
        before="""
        time  | account | event       | isolation | amount | side | quantity | price
        09:00 | loser   | transfer    |           | 100
        09:00 | loser   | fill        |           |        | buy  | 1        | 1000
        09:00 | w       | transfer    |           | 1000
        09:00 | w       | fill        |           |        | sell | 1        | 1000
        09:30 |         | tick        |           |        |      |          | 980
        """,
    )
    expect(
        result,
        "account_daily",
        """
        account_id | account_type | client_class | opening_wallet | opening_unrealised_pnl | unrealised_pnl
        loser      | client       | retail       | 100            | -20                    | 0
        w          | client       | retail       | 1000           | 20                     | 150
        """,
    )
    expect(result, "socialised_losses", "account_id | basis | charge\n w | 130 | 100")
