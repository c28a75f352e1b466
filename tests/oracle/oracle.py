"""What a replay publishes: sections 11 to 14 and the tables, without ids.

python -m tests.oracle.oracle LANDING FROM TO OUTDIR
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from tests.oracle import book as rules
from tests.oracle.book import FLOWS, Unit
from tests.oracle.fields import Row
from tests.oracle.replay import FUND_ORDER, Replay, moment

TABLES = """
liquidations loss_components negative_balances insurance_fund_ledger insurance_fund_daily session_losses
socialised_losses adl_losses account_daily positions_daily receivables_daily reconciliation rule_comparison
rule_totals quarantine
"""
RULES = (
    "session_profit_prorata",
    "equity_prorata",
    "session_profit_floor",
    "open_interest_prorata",
    "adl_queue",
)


def number(value: Fraction | int) -> str:
    """An exact decimal as plain text."""
    value = Fraction(value)
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole = str(abs(int(value * 10**digits))).rjust(digits + 1, "0")
    text = whole[: len(whole) - digits] + ("." + whole[len(whole) - digits :] if digits else "")
    return "-" + text if value < 0 else text


def in_key(t: int) -> str:
    """A time as the keys of `reconciliation` spell it."""
    return moment(t).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Oracle(Replay):
    """A replay that writes down what it sees."""

    def __init__(
        self, root: Path, first: dt.date, last: dt.date, policy: Path | None, scenario: Row | None
    ) -> None:
        super().__init__(root, first, last, policy, scenario)
        self.tables: dict[str, list[dict[str, str]]] = {name: [] for name in TABLES.split()}

    def run(self) -> dict[str, list[dict[str, str]]]:
        """All tables of all sessions."""
        self.replay()
        for row in self.landing.quarantine:
            reasons = "; ".join(row["reasons"])
            self.tables["quarantine"].append({k: str(v) for k, v in row.items()} | {"reasons": reasons})
        return self.tables

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

    def recon(
        self,
        rule: str,
        key: str,
        expected: Fraction | int,
        actual: Fraction | int | None,
        independent: bool,
        tolerance: Fraction | int = 0,
    ) -> None:
        """A row of `reconciliation`."""
        self.tables["reconciliation"].append(
            {
                "business_date": self.session.day.isoformat(),
                "rule": rule,
                "key": key,
                "expected": number(expected),
                "actual": "" if actual is None else number(actual),
                "break": "" if actual is None else number(actual - expected),
                "tolerance": number(tolerance),
                "independent": "true" if independent else "false",
            }
        )

    def row(self, table: str, money_in: str, **columns: Any) -> None:
        """A row of a table; integers are ledger units of the currency, Fractions are units already."""
        out = {"business_date": self.session.day.isoformat()}
        for name, value in columns.items():
            if value is None:
                out[name] = ""
            elif isinstance(value, bool):
                out[name] = "true" if value else "false"
            elif isinstance(value, int):
                out[name] = number(Fraction(value, self.book.scale(money_in)))
            elif isinstance(value, Fraction):
                out[name] = number(value)
            else:
                out[name] = str(value)
        self.tables[table].append(out)

    def close_session(self) -> None:
        """Publishes the session and decides its charges; the state is that just before E."""
        units = [self.book.units[k] for k in sorted(self.book.units)]
        self.publish_events()
        for currency in self.landing.currencies:
            self.publish_fund(currency)
            self.publish_losses(currency, [u for u in units if u.currency == currency])
        self.publish_units(units)
        self.reconcile(units)
        for unit in units:
            unit.roll(self.book.upnl(unit))

    def publish_events(self) -> None:
        """Liquidations, components, negative balances, ADL losses and the fund's ledger."""
        for e in self.session.ended:
            u = e.unit
            who = {"account_id": u.account, "currency": u.currency, "isolation": u.isolation}
            self.row(
                "liquidations",
                u.currency,
                **who,
                triggered_at=moment(e.t0).isoformat(),
                first_execution_at=None
                if e.first_execution is None
                else moment(e.first_execution).isoformat(),
                ended_at=moment(e.ended_at).isoformat(),
                end_reason=e.end_reason,
                trigger=e.trigger,
                execution=e.execution,
                equity_at_trigger=e.equity,
                maintenance_margin_at_trigger=e.margin,
                terminal_equity=e.terminal_equity,
                liquidation_fees=sum(f[3] for f in e.fills),
                surplus=e.surplus,
                deficit=e.deficit,
            )
            for (component, instrument), amount in sorted(e.components.items()):
                if amount:
                    self.row(
                        "loss_components",
                        u.currency,
                        **who,
                        triggered_at=moment(e.t0).isoformat(),
                        ended_at=moment(e.ended_at).isoformat(),
                        component=component,
                        instrument_id=instrument,
                        amount=amount,
                    )
        for n in self.session.negative:
            u = n["unit"]
            self.row(
                "negative_balances",
                u.currency,
                ts=moment(n["ts"]).isoformat(),
                account_id=u.account,
                currency=u.currency,
                isolation=u.isolation,
                client_class=n["client_class"],
                cause=n["cause"],
                protected=n["protected"],
                deficit=n["deficit"],
                fund_draw=n["fund_draw"],
                shortfall=n["shortfall"],
            )
        for a in self.session.adl:
            columns = {k: v for k, v in a.items() if k not in ("ts", "units")}
            self.row("adl_losses", a["currency"], ts=moment(a["ts"]).isoformat(), **columns)
        seq: Counter[str] = Counter()
        for f in self.session.fund_rows:
            seq[f["currency"]] += 1
            self.row(
                "insurance_fund_ledger",
                f["currency"],
                currency=f["currency"],
                seq=str(seq[f["currency"]]),
                ts=moment(f["ts"]).isoformat(),
                kind=f["kind"],
                amount=f["amount"],
                balance=f["balance"],
            )

    def publish_fund(self, currency: str) -> None:
        """The fund's day in one currency."""
        moves = [f for f in self.session.fund_rows if f["currency"] == currency]
        total = {c: sum(f["amount"] for f in moves if f["class"] == c) for c in FUND_ORDER}
        opening, closing = self.fund_opening[currency], self.fund[currency]
        balances = [f["balance"] for f in moves]
        if self.session is not self.sessions[0]:
            balances.append(opening)
        self.row(
            "insurance_fund_daily",
            currency,
            currency=currency,
            opening=opening,
            external=total["external"],
            liquidation_fees=total["liquidation_fee"],
            surplus=total["surplus"],
            draws=total["draw"],
            closing=closing,
            lowest=min(balances, default=0),
            draw_count=str(sum(f["class"] == "draw" for f in moves)),
        )
        scale = self.book.scale(currency)
        self.recon(
            "fund_roll_forward",
            currency,
            Fraction(opening + sum(total.values()), scale),
            Fraction(closing, scale),
            False,
        )
        self.fund_opening[currency] = closing

    def bases(self, currency: str, units: list[Unit]) -> dict[str, dict[str, int]]:
        """Basis per payer under the two methods of section 11."""
        profit: Counter[str] = Counter()
        net: Counter[str] = Counter()
        cap: Counter[str] = Counter()
        for unit in units:
            if self.book.is_house(unit.account):
                continue
            upnl = self.book.upnl(unit)
            flows = unit.flows
            profit[unit.account] += (
                flows["realised"] - flows["fees"] + flows["funding"] + upnl - unit.opening_upnl
            )
            net[unit.account] += unit.wallet + upnl
            cap[unit.account] += max(0, unit.wallet + upnl)
        by_profit = {a: min(max(0, profit[a]), cap[a]) for a in profit}
        by_equity = {a: max(0, net[a]) for a in net}
        return {
            "session_profit_prorata": {a: b for a, b in by_profit.items() if b > 0},
            "equity_prorata": {a: b for a, b in by_equity.items() if b > 0},
            "none": {},
        }

    def publish_losses(self, currency: str, units: list[Unit]) -> None:
        """Waterfall, charges and the comparison of the rules in one currency."""
        just_before = self.session.end - 1
        covered = [n for n in self.session.negative if n["unit"].currency == currency and n["protected"]]
        others = [n for n in self.session.negative if n["unit"].currency == currency and not n["protected"]]
        deficit = sum(n["deficit"] for n in covered)
        draw = sum(n["fund_draw"] for n in covered)
        loss = sum(n["shortfall"] for n in covered)
        method = self.policy.at(just_before, "sharing")
        bases = self.bases(currency, units)
        basis = bases[method]
        charges = rules.charge_up_to(loss, basis) if loss else {}
        charges = {a: c for a, c in charges.items() if c > 0}
        socialised = sum(charges.values())
        self.session.charges[currency] = charges
        self.row(
            "session_losses",
            currency,
            currency=currency,
            unprotected_deficit=sum(n["deficit"] for n in others),
            deficit=deficit,
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
            version = self.landing.accounts.at(account, just_before)
            assert version is not None
            self.row(
                "socialised_losses",
                currency,
                account_id=account,
                currency=currency,
                client_class=version["client_class"],
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
        if loss > 0:
            self.compare_rules(currency, loss, bases, just_before)

    def compare_rules(
        self, currency: str, loss: int, bases: dict[str, dict[str, int]], just_before: int
    ) -> None:
        """Section 14 for one currency."""
        profit = bases["session_profit_prorata"]
        total = sum(profit.values())
        floor = round(total * self.policy.at(just_before, "profit_floor_rate"))
        target = min(total, max(loss, floor))
        charges: dict[str, dict[str, int]] = {
            "session_profit_prorata": rules.charge_up_to(loss, profit),
            "equity_prorata": rules.charge_up_to(loss, bases["equity_prorata"]),
            "session_profit_floor": rules.charge_up_to(target, profit),
            "open_interest_prorata": self.session.rule_charges["open_interest_prorata", currency],
            "adl_queue": self.session.rule_charges["adl_queue", currency],
        }
        for rule in RULES:
            charged = sum(charges[rule].values())
            to_fund = max(0, target - loss) if rule == "session_profit_floor" else 0
            uncovered = loss + to_fund - charged
            if rule in ("open_interest_prorata", "adl_queue"):
                assert uncovered == self.session.rule_uncovered[rule, currency]
            paying = {a: c for a, c in charges[rule].items() if c > 0}
            for account, charge in sorted(paying.items()):
                self.row(
                    "rule_comparison",
                    currency,
                    rule=rule,
                    account_id=account,
                    currency=currency,
                    charge=charge,
                )
            self.row(
                "rule_totals",
                currency,
                rule=rule,
                currency=currency,
                shortfall=loss,
                charged=charged,
                to_fund=to_fund,
                uncovered=uncovered,
                payers=str(len(paying)),
            )

    def publish_units(self, units: list[Unit]) -> None:
        """The three tables per unit."""
        for u in units:
            who = {"account_id": u.account, "currency": u.currency, "isolation": u.isolation}
            f = {name: u.flows[name] for name in FLOWS}
            upnl = self.book.upnl(u)
            if u.active or u.positions or u.wallet != 0:
                self.row(
                    "account_daily",
                    u.currency,
                    **who,
                    opening_wallet=u.opening_wallet,
                    transfers=f["transfers"],
                    realised_pnl=f["realised"],
                    fees=f["fees"],
                    funding=f["funding"],
                    negative_balance_reset=f["reset"],
                    surplus_forfeited=f["surplus"],
                    socialised_charge=f["charge"],
                    closing_wallet=u.wallet,
                    unrealised_pnl=upnl,
                    equity=u.wallet + upnl,
                )
            for instrument, (quantity, entry) in sorted(u.positions.items()):
                self.row(
                    "positions_daily",
                    u.currency,
                    **who,
                    instrument_id=instrument,
                    quantity=quantity,
                    entry_value=entry,
                    mark_price=self.book.marks.get(instrument),
                )
            if u.opening_debt or f["new_debt"] or f["recovered"] or u.debt:
                self.row(
                    "receivables_daily",
                    u.currency,
                    **who,
                    opening_debt=u.opening_debt,
                    new_debt=f["new_debt"],
                    recovered=f["recovered"],
                    closing_debt=u.debt,
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
                self.recon("trade_zero_sum", trade, 0, net, True)
        self.recon("trade_zero_sum", "all", two_sided, netting, True)
        self.recon("trade_zero_sum", "one_sided", one_sided, one_sided, False)


def compute(
    landing: Path, first: dt.date, last: dt.date, policy: Path | None = None, scenario: Row | None = None
) -> dict[str, list[dict[str, str]]]:
    """Every published table (without ids) of the dates first to last, run in one go into an empty warehouse.

    `scenario` has the keys `policy` and `fund_opening` of a scenario file. Raises OracleError.
    """
    return Oracle(landing, first, last, policy, scenario).run()


def main() -> None:
    """Writes the tables as CSV files; an empty table has no file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("landing", type=Path)
    parser.add_argument("first", type=dt.date.fromisoformat)
    parser.add_argument("last", type=dt.date.fromisoformat)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--scenario", type=Path)
    arguments = parser.parse_args()
    scenario = yaml.safe_load(arguments.scenario.read_text()) if arguments.scenario else None
    tables = compute(arguments.landing, arguments.first, arguments.last, arguments.policy, scenario)
    arguments.outdir.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        if rows:
            with (arguments.outdir / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
