"""Units of liquidators (rules.md section 3)."""

from tests.spec.tables import expect, session


def test_what_a_liquidators_fill_is_called_means_nothing() -> None:
    """No episode, no fee for the fund, and no loss by deleveraging: it is read as normal."""
    session_of = """
        time  | account | event       | side | quantity | price | fee
        09:00 | l       | {kind}      | buy  | 1        | 1000  | 2
        10:00 |         | tick        |      |          | 500
    """
    for kind in ("fill", "liquidation", "adl"):
        result = session(session_of.format(kind=kind), accounts="account | type\n l | liquidator")
        expect(result, "liquidations", "account_id")
        expect(result, "adl_losses", "account_id")
        expect(result, "insurance_fund_ledger", "kind")
        expect(result, "account_daily", "account_type | closing_wallet | equity\n liquidator | -2 | -502")
