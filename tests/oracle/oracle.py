"""What a replay publishes: the tables of outputs.md, without ids.

python -m tests.oracle.oracle LANDING FROM TO OUTDIR
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
from collections import Counter
from fractions import Fraction
from pathlib import Path

import yaml

from tests.oracle.book import FLOWS, Episode, Unit
from tests.oracle.fields import Row
from tests.oracle.lot_tables import LotTables
from tests.oracle.policy import PlainLoader
from tests.oracle.replay import FUND_ORDER, moment


class Oracle(LotTables):
    """A replay that writes down what it sees."""

    def run(self) -> dict[str, list[dict[str, str]]]:
        """All tables of all sessions."""
        self.replay()
        for row in self.landing.quarantine:
            reasons = "; ".join(row["reasons"])
            self.tables["quarantine"].append({k: str(v) for k, v in row.items()} | {"reasons": reasons})
        return self.tables

    def close_session(self) -> None:
        """Publishes the session and decides its charges; the state is that just before E."""
        units = [self.book.units[k] for k in sorted(self.book.units)]
        self.publish_events()
        self.publish_closings()
        self.publish_inventory()
        for currency in self.landing.currencies:
            self.publish_fund(currency)
            self.publish_losses(currency, [u for u in units if u.currency == currency])
        self.publish_units(units)
        self.reconcile(units)
        self.check_breaks()
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
                liquidation_fees=sum(f.fee for f in e.fills),
                surplus=e.surplus,
                deficit=e.deficit,
            )
            self.publish_positions_of(e)
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
                session_transfers=n["session_transfers"],
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

    def publish_positions_of(self, e: Episode) -> None:
        """What an episode closed, and the causes of what came of it."""
        u = e.unit
        episode = {
            "account_id": u.account,
            "currency": u.currency,
            "isolation": u.isolation,
            "triggered_at": moment(e.t0).isoformat(),
            "ended_at": moment(e.ended_at).isoformat(),
        }
        for instrument in sorted(e.held.keys() | {f.instrument for f in e.fills}):
            held = e.held.get(instrument)
            fills = [f for f in e.fills if f.instrument == instrument]
            self.row(
                "liquidation_positions",
                u.currency,
                **episode,
                instrument_id=instrument,
                quantity=held.quantity if held else 0,
                entry_value=held.entry if held else 0,
                mark_price=e.marks.get(instrument),
                maintenance_margin=held.margin if held else 0,
                liquidation_fills=str(len(fills)),
                filled_quantity=sum((abs(f.quantity) for f in fills), Fraction(0)),
                filled_value=sum(f.value for f in fills),
            )
        for (component, instrument), amount in sorted(e.components.items()):
            if amount:
                self.row(
                    "loss_components",
                    u.currency,
                    **episode,
                    component=component,
                    instrument_id=instrument,
                    amount=amount,
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
            takeover_gains=total["takeover_gain"],
            takeover_funding=total["takeover_funding"],
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
                    **self.person(u.account),
                    opening_wallet=u.opening_wallet,
                    opening_unrealised_pnl=u.opening_upnl,
                    transfers=f["transfers"],
                    realised_pnl=f["realised"],
                    fees=f["fees"],
                    funding=f["funding"],
                    negative_balance_reset=f["reset"],
                    surplus_forfeited=f["surplus"],
                    socialised_charge=f["charge"],
                    fund_settlement=f["settlement"],
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
    scenario = yaml.load(arguments.scenario.read_text(), PlainLoader) if arguments.scenario else None
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
