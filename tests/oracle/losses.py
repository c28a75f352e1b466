"""Sections 11 and 14: who pays for the session's losses, by the policy's rule and by every other one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from tests.oracle.book import Unit
from tests.oracle.fields import Row
from tests.oracle.policy import RULES
from tests.oracle.reconcile import Reconciler
from tests.oracle.sharing import adl_shares, charge_up_to, open_interest_shares


class Sharer(Reconciler):
    """A replay that shares losses at the end of each session."""

    def person(self, account: str) -> Row:
        """The columns account_type and client_class of an account just before E."""
        version = self.landing.accounts.at(account, self.session.end - 1)
        assert version is not None
        return {"account_type": version["account_type"], "client_class": version["client_class"]}

    def account_equity(self, units: list[Unit]) -> Counter[str]:
        """Kappa per account, house accounts included: what its units have, those below zero apart."""
        total: Counter[str] = Counter()
        for unit in units:
            total[unit.account] += max(0, self.book.equity(unit))
        return total

    def bases(self, units: list[Unit]) -> dict[str, dict[str, int]]:
        """Basis per payer under the methods of section 11; the units are those of one currency."""
        clients = [u for u in units if self.book.is_client(u.account)]
        cap = self.account_equity(clients)
        profit: Counter[str] = Counter()
        net: Counter[str] = Counter()
        for unit in clients:
            flows, upnl = unit.flows, self.book.upnl(unit)
            earned = flows["realised"] - flows["fees"] + flows["funding"]
            profit[unit.account] += earned + upnl - unit.opening_upnl
            net[unit.account] += unit.wallet + upnl
        by_profit = {a: min(profit[a], cap[a]) for a in profit}
        return {
            "session_profit_prorata": {a: b for a, b in by_profit.items() if b > 0},
            "equity_prorata": {a: b for a, b in net.items() if b > 0},
            "none": {},
        }

    def publish_losses(self, currency: str, units: list[Unit]) -> None:
        """Waterfall, charges and the comparison of the rules in one currency."""
        covered = [n for n in self.session.negative if n["unit"].currency == currency and n["protected"]]
        others = [n for n in self.session.negative if n["unit"].currency == currency and not n["protected"]]
        deficit = sum(n["deficit"] for n in covered)
        draw = sum(n["fund_draw"] for n in covered)
        loss = sum(n["shortfall"] for n in covered)
        method = self.policy.at(self.session.end - 1, "sharing")
        bases = self.bases(units)
        basis = bases[method]
        charges = charge_up_to(loss, basis) if loss else {}
        charges = {a: c for a, c in charges.items() if c > 0}
        socialised = sum(charges.values())
        self.session.charges[currency] = charges
        self.row(
            "session_losses",
            currency,
            currency=currency,
            unprotected_deficit=sum(n["deficit"] for n in others),
            deficit=deficit,
            takeover_deficit=sum(n["deficit"] for n in covered if n["cause"] == "takeover"),
            fund_draw=draw,
            shortfall=loss,
            socialised=socialised,
            uncovered=loss - socialised,
            method=method,
            basis_total=sum(basis.values()),
            payers=str(len(charges)),
            adl_loss=sum(a["units"] for a in self.session.adl if a["currency"] == currency),
        )
        for account, charge in sorted(charges.items()):
            self.row(
                "socialised_losses",
                currency,
                account_id=account,
                currency=currency,
                client_class=self.person(account)["client_class"],
                method=method,
                basis=basis[account],
                charge=charge,
            )
        scale = self.book.scale(currency)
        self.recon(
            "waterfall",
            currency,
            Fraction(deficit, scale),
            Fraction(draw + socialised + (loss - socialised), scale),
            False,
        )
        self.publish_protection(currency, covered, units)
        if loss > 0:
            self.compare_rules(currency, covered, bases, self.account_equity(units))

    def publish_protection(self, currency: str, covered: list[Row], units: list[Unit]) -> None:
        """What the accounts with covered deficits have elsewhere at the end of the session; no liquidators."""
        covered = [n for n in covered if n["cause"] != "takeover"]
        equity = self.account_equity(units)
        for account in sorted({n["unit"].account for n in covered}):
            mine = [n for n in covered if n["unit"].account == account]
            deficit = sum(n["deficit"] for n in mine)
            self.row(
                "protection_daily",
                currency,
                account_id=account,
                currency=currency,
                client_class=self.person(account)["client_class"],
                events=str(len(mine)),
                deficit=deficit,
                fund_draw=sum(n["fund_draw"] for n in mine),
                shortfall=sum(n["shortfall"] for n in mine),
                account_equity=equity[account],
                within_account_equity=min(deficit, equity[account]),
            )

    def compare_rules(
        self, currency: str, covered: list[Row], bases: dict[str, dict[str, int]], equity: Counter[str]
    ) -> None:
        """Section 14 for one currency."""
        just_before = self.session.end - 1
        loss = sum(n["shortfall"] for n in covered)
        profit = bases["session_profit_prorata"]
        total = sum(profit.values())
        floor = round(total * self.policy.at(just_before, "profit_floor_rate"))
        target = min(total, max(loss, floor))
        to_fund = max(0, target - loss)
        events = [n for n in covered if n["shortfall"] > 0]
        shared = {
            "session_profit_prorata": charged_of(loss, charge_up_to(loss, profit)),
            "equity_prorata": charged_of(loss, charge_up_to(loss, bases["equity_prorata"])),
            "session_profit_floor": charged_of(loss + to_fund, charge_up_to(target, profit)),
            "open_interest_prorata": added(
                open_interest_shares(n["shortfall"], n["weights"]) for n in events
            ),
            "adl_queue": added(adl_shares(n["shortfall"], n["queues"]) for n in events),
        }
        for rule in RULES:
            if rule in self.policy.at(just_before, "compared_rules"):
                charges, uncovered = shared[rule]
                self.publish_rule(
                    rule,
                    currency,
                    loss,
                    to_fund if rule == "session_profit_floor" else 0,
                    uncovered,
                    charges,
                    equity,
                )

    def publish_rule(
        self,
        rule: str,
        currency: str,
        loss: int,
        to_fund: int,
        uncovered: int,
        charges: Counter[str],
        equity: Counter[str],
    ) -> None:
        """The rows of one rule in one currency."""
        paying = {a: c for a, c in sorted(charges.items()) if c > 0}
        assert sum(paying.values()) + uncovered == loss + to_fund
        for account, charge in paying.items():
            self.row(
                "rule_comparison",
                currency,
                rule=rule,
                account_id=account,
                currency=currency,
                **self.person(account),
                chargeable=equity[account],
                charge=charge,
            )
        self.row(
            "rule_totals",
            currency,
            rule=rule,
            currency=currency,
            shortfall=loss,
            charged=sum(paying.values()),
            to_fund=to_fund,
            uncovered=uncovered,
            beyond_chargeable=sum(max(0, charge - equity[a]) for a, charge in paying.items()),
            payers=str(len(paying)),
        )


def charged_of(wanted: int, charges: dict[str, int]) -> tuple[Counter[str], int]:
    """Charges, and what is not covered of what was wanted."""
    return Counter(charges), wanted - sum(charges.values())


def added(parts: Iterable[tuple[Counter[str], int]]) -> tuple[Counter[str], int]:
    """The charges and the uncovered parts of several events together."""
    charges: Counter[str] = Counter()
    uncovered = 0
    for shares, rest in parts:
        charges.update(shares)
        uncovered += rest
    return charges, uncovered
