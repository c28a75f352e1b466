"""Section 13: two ways to the same number, and what the venue says itself."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tests.oracle.book import Unit
from tests.oracle.fields import OracleError, Row
from tests.oracle.tables import Writer, in_key


class Reconciler(Writer):
    """A replay that compares."""

    def venue_rows(self, t: int, now: dict[str, list[Row]]) -> None:
        """What the venue published for t against the replay after all events of t."""
        for row in now.get("venue_account_balances", ()):
            actual = sum(
                u.wallet
                for u in self.book.units.values()
                if u.account == row["account_id"] and u.currency == row["currency"]
            )
            key = f"{row['account_id']}|{row['currency']}|{in_key(t)}"
            self.recon(
                "venue_account_balance",
                key,
                row["wallet_balance"],
                Fraction(actual, self.book.scale(row["currency"])),
                True,
            )
        for row in now.get("venue_fund_balances", ()):
            self.recon(
                "venue_fund_balance",
                f"{row['currency']}|{in_key(t)}",
                row["balance"],
                Fraction(self.fund[row["currency"]], self.book.scale(row["currency"])),
                True,
            )
        for row in now.get("venue_liquidations", ()):
            self.venue_liquidation(row, t, now.get("fills", []))

    def venue_liquidation(self, row: Row, t: int, fills: list[Row]) -> None:
        """One published liquidation value against the fills as delivered."""
        currency = row["currency"]
        signs: set[tuple[str, int]] = set()
        total = tolerance = 0
        for fill in fills:
            instrument = fill["instrument_id"]
            if (
                fill["account_id"] != row["account_id"]
                or fill["kind"] != "liquidation"
                or self.book.spec(instrument)["settlement_currency"] != currency
            ):
                continue
            version = self.landing.instruments.at(instrument, t)
            assert version is not None
            value = self.book.value(instrument, fill["quantity"], fill["price"])
            total += value
            tolerance += abs(
                value - self.book.value(instrument, fill["quantity"], fill["price"] + version["tick_size"])
            )
            signs.add((fill["side"], self.book.direction(instrument)))
        scale = self.book.scale(currency)
        actual: Fraction | None = None
        if len(signs) == 1:
            side, direction = next(iter(signs))
            sign = direction if side == "sell" else -direction
            actual = sign * (row["notional"] - Fraction(total, scale))
        key = f"{row['account_id']}|{currency}|{in_key(t)}"
        self.recon(
            "venue_liquidation_value", key, row["account_value"], actual, True, Fraction(tolerance, scale)
        )

    def reconcile(self, units: list[Unit]) -> None:
        """Section 13, but for the rows that are written where their terms arise."""
        self.reconcile_trades()
        recorded = self.policy.at(self.session.end - 1, "execution") == "recorded"
        if recorded:
            for instrument in sorted(self.landing.instruments.rows):
                scale = self.book.scale(self.book.spec(instrument)["settlement_currency"])
                sizes = sum(
                    (u.positions[instrument][0] for u in units if instrument in u.positions), Fraction(0)
                )
                self.recon("position_zero_sum", instrument, 0, sizes, True)
                self.recon(
                    "funding_zero_sum",
                    instrument,
                    0,
                    Fraction(self.session.funding_received[instrument], scale),
                    True,
                    Fraction(self.session.funding_positions[instrument], 2 * scale),
                )
            ended = self.session.ended
            executed = [e for e in ended if e.fills]
            matched = sum(e.trigger == "margin" for e in executed)
            self.recon("liquidation_match", "matched", len(executed), matched, True)
            self.recon("liquidation_match", "untriggered", 0, len(executed) - matched, True)
            self.recon("liquidation_match", "unexecuted", 0, len(ended) - len(executed), True)
            self.recon("liquidation_match", "open", 0, sum(u.episode is not None for u in units), True)
        for currency in self.landing.currencies:
            scale = self.book.scale(currency)
            mine = [u for u in units if u.currency == currency]
            expected = sum(
                u.opening_wallet
                + u.flows["transfers"]
                + u.flows["realised"]
                - u.flows["fees"]
                + u.flows["funding"]
                + u.flows["reset"]
                - u.flows["surplus"]
                - u.flows["charge"]
                + u.flows["settlement"]
                for u in mine
            )
            self.recon(
                "account_roll_forward",
                currency,
                Fraction(expected, scale),
                Fraction(sum(u.wallet for u in mine), scale),
                False,
            )
            episodes = [e for e in self.session.ended if e.unit.currency == currency]
            self.recon(
                "components",
                currency,
                Fraction(sum(-e.terminal_equity for e in episodes), scale),
                Fraction(sum(sum(e.components.values()) for e in episodes), scale),
                False,
            )

    def check_breaks(self) -> None:
        """Fails on a break beyond tolerance in a rule of the policy's `fail_on_breaks`."""
        fatal = self.policy.at(self.session.end - 1, "fail_on_breaks")
        for row in self.tables["reconciliation"]:
            if (
                row["rule"] in fatal
                and row["business_date"] == self.session.day.isoformat()
                and row["break"]
                and abs(Decimal(row["break"])) > Decimal(row["tolerance"])
            ):
                raise OracleError(
                    3, f"{row['business_date']}: {row['rule']} {row['key']} breaks by {row['break']}"
                )

    def reconcile_trades(self) -> None:
        """Trades whose earliest side is in this session."""
        two_sided = netting = one_sided = 0
        for trade, sides in sorted(self.trades.items()):
            earliest = min(f["ts"] for f in sides)
            if earliest >= self.session.end or (
                self.session.start is not None and earliest < self.session.start
            ):
                continue
            known = [f for f in sides if f["ts"] < self.session.end]
            if len(known) == 1:
                one_sided += 1
                continue
            two_sided += 1
            net = sum((f["quantity"] if f["side"] == "buy" else -f["quantity"] for f in known), Fraction(0))
            if net == 0:
                netting += 1
            else:
                self.recon("trade_zero_sum", "|".join(trade), 0, net, True)
        self.recon("trade_zero_sum", "all", two_sided, netting, True)
        self.recon("trade_zero_sum", "one_sided", one_sided, one_sided, False)
