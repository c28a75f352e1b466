"""What a liquidation started with and what it did of it (rules.md section 8, outputs.md liquidation_positions)."""

from tests.spec.tables import expect, session

TWO = """
    instrument | kind   | currency | multiplier | tick_size
    P          | linear | USD      | 1          | 0.1
    Q          | linear | USD      | 1          | 0.1
"""
# 940 on a long of 10,000: below its margin of 45.50 once the mark is 9,100
START = """
    time  | event       | instrument | amount | side | quantity | price | fee | bid | ask
    09:00 | transfer    |            | 940
    09:00 | fill        | P          |        | buy  | 1        | 10000
    09:00 | tick        | Q          |        |      |          | 100
    10:00 | tick        | P          |        |      |          | 9100
"""


def test_a_position_at_the_trigger_and_its_fills() -> None:
    """At the mark of the tick that triggered; the account's own fill of 0.1 is none of the liquidation's."""
    result = session(
        START
        + """
    10:01 | liquidation | P          |        | sell | 0.4      | 9100
    10:02 | fill        | P          |        | sell | 0.1      | 9100
    10:03 | liquidation | P          |        | sell | 0.5      | 9090
    """,
        instruments=TWO,
    )
    expect(
        result,
        "liquidation_positions",
        """
        instrument_id | quantity | entry_value | mark_price | maintenance_margin | liquidation_fills | filled_quantity | filled_value
        P             | 1        | 10000       | 9100       | 45.5               | 2                 | 0.9             | 8185
        """,
    )


def test_a_position_that_the_liquidation_did_not_touch() -> None:
    """The account closes by itself: no liquidation fill, and yet it was held."""
    result = session(START + "\n 10:01 | fill | P | | sell | 1 | 9110", instruments=TWO)
    expect(
        result,
        "liquidation_positions",
        """
        instrument_id | quantity | liquidation_fills | filled_quantity | filled_value
        P             | 1        | 0                 | 0               | 0
        """,
    )


def test_venue_that_acts_without_a_breach() -> None:
    """The start is just before the first liquidation fill, at the marks then in force: that of 11:00 is later.
    At the tick of 11:00:30 the unit is seen to have recovered, and the venue starts once more."""
    result = session("""
        time  | event       | amount | side | quantity | price
        09:00 | transfer    | 1000
        09:00 | fill        |        | sell | 1        | 1000
        10:00 | tick        |        |      |          | 1010
        11:00 | liquidation |        | buy  | 0.5      | 1020
        11:00 | tick        |        |      |          | 1030
        11:00:30 | tick     |        |      |          | 1030
        11:01 | liquidation |        | buy  | 0.5      | 1040
    """)
    expect(result, "liquidations", "trigger | end_reason\n recorded_fill | recovered\n recorded_fill | flat")
    expect(
        result,
        "liquidation_positions",
        """
        quantity | entry_value | mark_price | maintenance_margin | liquidation_fills | filled_quantity | filled_value
        -1       | 1000        | 1010       | 5.05               | 1                 | 0.5             | 510
        -0.5     | 500         | 1030       | 2.58               | 1                 | 0.5             | 520
        """,
    )


def test_an_instrument_without_a_mark() -> None:
    """It counts with its entry value, and says no mark."""
    result = session("""
        time  | event       | amount | side | quantity | price
        09:00 | transfer    | 10
        09:00 | fill        |        | buy  | 1        | 1000
        10:00 | liquidation |        | sell | 1        | 999
    """)
    expect(result, "liquidation_positions", "quantity | mark_price | maintenance_margin\n 1 | | 5")


def test_a_position_that_is_opened_later_and_one_that_is_turned() -> None:
    """Q is bought in the episode and stood at 100 when it began. The fill that turns P counts with all of its 1.5,
    and closing what it opened is a liquidation fill like any other."""
    result = session(
        START
        + """
    10:00:30 | tick     | Q          |        |      |          | 120
    10:01 | fill        | Q          |        | buy  | 2        | 120
    10:02 | liquidation | P          |        | sell | 1.5      | 9100
    10:03 | liquidation | P          |        | buy  | 0.5      | 9100
    10:04 | liquidation | Q          |        | sell | 2        | 110
    """,
        instruments=TWO,
    )
    expect(
        result,
        "liquidation_positions",
        """
        instrument_id | quantity | entry_value | mark_price | maintenance_margin | liquidation_fills | filled_quantity | filled_value
        P             | 1        | 10000       | 9100       | 45.5               | 2                 | 2               | 18200
        Q             | 0        | 0           | 100        | 0                  | 1                 | 2               | 220
        """,
    )


def test_an_episode_that_goes_on_over_midnight() -> None:
    """The start and the fills of the day before are remembered, and so is the mark of Q, of which nobody held any."""
    result = session(
        """
        time  | event       | instrument | amount | side | quantity | price
        00:01 | tick        | Q          |        |      |          | 130
        00:02 | fill        | Q          |        | buy  | 2        | 130
        00:03 | liquidation | P          |        | sell | 0.6      | 9000
        00:04 | liquidation | Q          |        | sell | 2        | 110
        """,
        before=START
        + """
    10:01 | liquidation | P          |        | sell | 0.4      | 9100
    10:02 | tick        | Q          |        |      |          | 110
    """,
        instruments=TWO,
    )
    expect(result, "liquidations", "trigger | end_reason | equity_at_trigger\n margin | flat | 40")
    expect(
        result,
        "liquidation_positions",
        """
        instrument_id | quantity | entry_value | mark_price | maintenance_margin | liquidation_fills | filled_quantity | filled_value
        P             | 1        | 10000       | 9100       | 45.5               | 2                 | 1               | 9040
        Q             | 0        | 0           | 100        | 0                  | 1                 | 2               | 220
        """,
    )


def test_a_simulated_liquidation_is_a_fill_like_any_other() -> None:
    result = session(START + "\n 10:01 | tick | P | | | | 9000 | | 8990", instruments=TWO, execution="simulated",
                     latency_us=60_000_000)  # fmt: skip
    expect(
        result,
        "liquidation_positions",
        """
        instrument_id | quantity | mark_price | liquidation_fills | filled_quantity | filled_value
        P             | 1        | 9100       | 1                 | 1               | 8990
        """,
    )
