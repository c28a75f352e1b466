"""What a liquidator took over, as a cause of a deficit (rules.md section 12)."""

from tests.spec.tables import session


def test_what_a_liquidator_took_over_is_a_cause_of_its_own() -> None:
    """Not execution: 50 of it is what the account left to the fund. Where somebody was deleveraged too, it is adl."""
    for kind, component in (("fill", "takeover"), ("adl", "adl")):
        result = session(
            f"""
        time  | account | event       | trade | amount | side | quantity | price
        09:00 | a       | transfer    |       | 1050
        09:00 | a       | fill        |       |        | buy  | 1        | 10000
        10:00 |         | tick        |       |        |      |          | 9000
        10:01 | a       | liquidation | t     |        | sell | 1        | 8950
        10:01 | l       | fill        | t     |        | buy  | 0.5      | 8950
        10:01 | w       | {kind}      | t     |        | buy  | 0.5      | 8950
        """,
            accounts="account | type\n l | liquidator",
        )
        found = {row["component"]: row["amount"] for row in result.tables["loss_components"]}
        assert {name: found.get(name) for name in ("takeover", "adl", "execution")} == {
            **dict.fromkeys(("takeover", "adl", "execution")),
            component: "50",
        }
