"""Positions that a liquidator takes over and closes later, on the fund's account (rules.md section 15)."""

from tests.spec.tables import expect, session

LIQUIDATOR = "account | type\n l | liquidator\n m | house"
# a is 10 short of nothing at 90: l takes its 2 over at 89, where a has 0 left, and has them for 89
TAKEN = """
    time  | account | event       | amount | side | quantity | price | fee | trade | id
    08:00 |         | fund        | 100
    09:00 | a       | transfer    | 22
    09:00 | a       | fill        |        | buy  | 2        | 100
    09:00 |         | tick        |        |      |          | 100
    10:00 |         | tick        |        |      |          | 90
    10:01 | a       | liquidation |        | sell | 2        | 89    | 0   | t1    | f1
    10:01 | l       | fill        |        | buy  | 2        | 89    | 0   | t1    | f2
"""


def test_the_account_ends_at_zero_and_the_fund_holds_a_lot() -> None:
    """What the account left at the mark, 2, is in its component takeover: the fund took over below the mark."""
    result = session(TAKEN, accounts=LIQUIDATOR)
    expect(result, "liquidations", "account_id | end_reason | terminal_equity\n a | flat | 0")
    expect(result, "loss_components", "component | amount\n cushion | -0.9\n headroom | -1.1\n takeover | 2")
    expect(
        result,
        "takeover_inventory",
        """
        lot_id | from_account_id | account_id | quantity | opened_at | open_value | mark_price | unrealised_result
        f2     | a               | l          | 2        | 10:01     | 178        | 90         | 2
        """,
    )
    [liquidation], [lot] = result.tables["liquidations"], result.tables["takeover_inventory"]
    assert lot["episode_id"] == liquidation["episode_id"]


def test_a_gain_goes_to_the_fund() -> None:
    """Sold at 92 when the mark is 93: 2 at the takeover, 6 by the market, −2 in execution, 0.50 of fees."""
    result = session(
        TAKEN
        + """
    11:00 |         | tick        |        |      |          | 93
    11:01 | l       | fill        |        | sell | 2        | 92    | 0.5 | t2    | f3
    """,
        accounts=LIQUIDATOR,
    )
    expect(
        result,
        "takeovers",
        """
        lot_id | close_fill_id | closed_by | open_value | close_value | fees | result | at_takeover | market_move | execution
        f2     | f3            | market    | 178        | 184         | 0.5  | 5.5    | 2           | 6           | -2
        """,
    )
    expect(
        result,
        "insurance_fund_ledger",
        "kind | amount | balance\n opening | 100 | 100\n takeover_gain | 5.5 | 105.5",
    )
    expect(
        result,
        "account_daily",
        """
        account_id | account_type | realised_pnl | fees | fund_settlement | closing_wallet
        a          | client       | -22          | 0    | 0               | 0
        l          | liquidator   | 6            | 0.5  | -5.5            | 0
        """,
    )


def test_a_loss_is_an_event_and_shared_like_any_other() -> None:
    """Sold at 20: 138 lost, of which the fund has 100. b has 30 of profit and pays; a has nothing."""
    result = session(
        TAKEN
        + """
    09:00 | b       | transfer    | 30
    09:00 | b       | fill        |        | sell | 2        | 100
    11:00 |         | tick        |        |      |          | 20
    11:01 | l       | fill        |        | sell | 2        | 20    | 0   | t2    | f3
    """,
        accounts=LIQUIDATOR,
    )
    expect(
        result,
        "negative_balances",
        """
        account_id | cause    | protected | session_transfers | deficit | fund_draw | shortfall
        l          | takeover | true      | 0                 | 138     | 100       | 38
        """,
    )
    expect(
        result,
        "session_losses",
        "deficit | takeover_deficit | fund_draw | socialised | uncovered\n 138 | 138 | 100 | 38 | 0",
    )
    expect(result, "protection_daily", "account_id")
    [loss], [closing] = result.tables["negative_balances"], result.tables["takeovers"]
    assert (closing["event_id"], loss["episode_id"]) == (loss["event_id"], closing["episode_id"])


def test_lots_close_first_in_first_out() -> None:
    """Two lots of 1 at 90 and 80. A fill of 3 at 85 closes both and opens a short of 1; its fee of 0.10 is cut in three."""
    result = session(
        """
    time  | account | event | side | quantity | price | fee  | id
    09:00 |         | tick  |      |          | 90
    10:00 | l       | fill  | buy  | 1        | 90    | 0.01 | f1
    10:01 | l       | fill  | buy  | 1        | 80    | 0    | f2
    10:02 | l       | fill  | sell | 3        | 85    | 0.1  | f3
    """,
        accounts=LIQUIDATOR,
    )
    expect(
        result,
        "takeovers",
        """
        lot_id | quantity | open_value | close_value | fees | result | from_account_id
        f1     | 1        | 90         | 85          | 0.04 | -5.04  |
        f2     | 1        | 80         | 85          | 0.04 | 4.96   |
        """,
    )
    expect(
        result,
        "takeover_inventory",
        "lot_id | quantity | open_value | open_fee | unrealised_result\n f3 | -1 | 85 | 0.03 | -5",
    )
    expect(result, "positions_daily", "account_id | quantity | entry_value\n l | -1 | 85")


def test_a_lot_goes_on_the_next_day() -> None:
    """Half of it is closed on the day after; what went out of 178 is 89."""
    result = session(
        """
    time  | account | event | side | quantity | price | id
    09:00 | l       | fill  | sell | 1        | 91    | f3
    """,
        before=TAKEN,
        accounts=LIQUIDATOR,
    )
    expect(
        result, "takeovers", "lot_id | from_account_id | quantity | open_value | result\n f2 | a | 1 | 89 | 2"
    )
    expect(result, "takeover_inventory", "lot_id | from_account_id | quantity | open_value\n f2 | a | 1 | 89")


def test_funding_on_a_lot_is_the_funds() -> None:
    """Longs pay 1 % of 180: a movement of the fund, and the liquidator's wallet stays as it was."""
    result = session(
        TAKEN.replace("| id\n", "| id | rate\n", 1)
        + """
    11:00 |         | funding     |        |      |          | 90    |     |       |    | 0.01
    """,
        accounts=LIQUIDATOR,
    )
    expect(
        result,
        "insurance_fund_daily",
        "opening | external | takeover_funding | closing\n 0 | 100 | -1.8 | 98.2",
    )
    expect(
        result,
        "account_daily",
        """
        account_id | funding | fund_settlement | closing_wallet
        a          | 0       | 0               | 0
        l          | -1.8    | 1.8             | 0
        """,
    )


def test_a_lot_closed_against_a_deleveraged_account() -> None:
    """The fill of the other side is of kind adl; what the liquidator's own fills are called means nothing."""
    result = session(
        TAKEN
        + """
    11:01 | l       | adl         |        | sell | 2        | 89    | 0   | t2    | f3
    11:01 | m       | adl         |        | buy  | 2        | 89    | 0   | t2    | f4
    """,
        accounts=LIQUIDATOR,
    )
    expect(result, "takeovers", "closed_by | result\n adl | 0")
    expect(result, "adl_losses", "account_id | against_account_id\n m |")


def test_a_liquidator_is_never_liquidated_and_never_pays() -> None:
    """Far below its margin and below zero, with a profit in the session."""
    result = session(
        """
    time  | account | event       | side | quantity | price | id
    09:00 |         | tick        |      |          | 100
    10:00 | l       | fill        | buy  | 1        | 100   | f1
    11:00 |         | tick        |      |          | 50
    12:00 | l       | liquidation | sell | 1        | 50    | f2
    """,
        accounts=LIQUIDATOR,
    )
    expect(result, "liquidations", "episode_id")
    expect(result, "negative_balances", "account_id | cause\n l | takeover")
    expect(result, "socialised_losses", "account_id")
