"""Questions about a liquidation or negative balance: published rows, causes, and the unit's recomputed path."""

from dataclasses import dataclass
from datetime import date

from lossledger.engine.clock import iso
from lossledger.engine.errors import ConfigError
from lossledger.engine.events import UnitKey
from lossledger.engine.figures import plain
from lossledger.engine.intake.parsing import parse_time_us
from lossledger.engine.numbers import units_to_e18
from lossledger.readers.explain.account_session import PublishedDates, open_session
from lossledger.readers.explore.questions.question import Answer, Question, ask, day, text
from lossledger.readers.explore.questions.unit_path import Point, path_of, window
from lossledger.readers.query.query_result import pad_decimals

_COLUMNS = {
    "negative_balances": """\
business_date, ts, account_id, currency, deficit, fund_draw, shortfall, cause, protected, client_class, isolation,
       session_transfers, event_id, episode_id""",
    "liquidations": """\
business_date, account_id, currency, terminal_equity, deficit, trigger, triggered_at, equity_at_trigger,
       maintenance_margin_at_trigger, first_execution_at, ended_at, end_reason, execution, liquidation_fees, surplus,
       isolation, episode_id""",
}


@dataclass(frozen=True)
class PublishedEvent:
    """The published rows for an id. `balance` or `liquidation` is empty if the event has none."""

    balance: Answer
    liquidation: Answer
    key: UnitKey
    day: date
    first: str  # ISO times of the event's begin and end
    last: str
    episode_id: str | None

    @property
    def title(self) -> str:
        what = "Liquidation" if self.episode_id else "Negative balance"
        return f"{what} of account {self.key.account_id}, {self.day}"


def find(dates: PublishedDates, event_id: str, of: date | None = None) -> PublishedEvent:
    """`of`: its published date, if known. ConfigError: nothing published has this id."""
    balance = ask(dates.tables, _row("Below zero", "negative_balances", "event_id", event_id, of))
    episode_id = event_id
    if balance.kept:
        (episode_id,) = balance.column("episode_id")
    liquidation = ask(dates.tables, _row("Liquidation", "liquidations", "episode_id", episode_id or "", of))
    if liquidation.kept and not balance.kept:
        balance = ask(dates.tables, _row("Below zero", "negative_balances", "episode_id", episode_id, of))
    if not (balance.kept or liquidation.kept):
        where = f" of {of}" if of else ""
        raise ConfigError(f"no published event {event_id!r}{where}: ids are in the tables of a date")
    row = (liquidation.kept and liquidation.records()[0]) or balance.records()[0]
    first, last = (row["triggered_at"], row["ended_at"]) if liquidation.kept else (row["ts"], row["ts"])
    key = UnitKey(row["account_id"], row["currency"], row["isolation"])
    found = episode_id if liquidation.kept else None
    return PublishedEvent(
        balance, liquidation, key, date.fromisoformat(row["business_date"]), first, last, found
    )


def _row(title: str, table: str, column: str, value: str, of: date | None) -> Question:
    on_date = f" AND business_date = {day(of)}" if of else ""
    columns = _COLUMNS[table]
    return Question(title, f"SELECT {columns}\nFROM {table}\nWHERE {column} = {text(value)}{on_date}")


def causes(event: PublishedEvent) -> Question:
    """In the order of section 12 of the rules, instruments of a cause together."""
    return Question(
        "Causes of the deficit: positive amounts enlarge it",
        f"""\
SELECT component, currency, sum(amount) AS amount
FROM loss_components JOIN liquidations USING (episode_id, business_date)
WHERE episode_id = {text(event.episode_id or "")} AND business_date = {day(event.day)}
GROUP BY component, currency
ORDER BY list_position(['cushion', 'headroom', 'gap_in_cushion', 'gap_past_bankruptcy', 'latency', 'market_move',
  'execution', 'adl', 'fees', 'funding', 'account_trading', 'other_flows'], component)""",
    )


def fills(event: PublishedEvent) -> Question:
    """The account's fills of the session from the trigger to the end, in instruments of the unit."""
    return Question(
        "Fills of the account while the liquidation was open",
        f"""\
SELECT business_date, ts, instrument_id, side, quantity, price, fee, kind, isolated, fill_id
FROM ledger.fills
WHERE account_id = {text(event.key.account_id)} AND business_date = {day(event.day)}
  AND ts BETWEEN TIMESTAMPTZ {text(event.first)} AND TIMESTAMPTZ {text(event.last)}
ORDER BY ts, fill_id""",
    )


@dataclass(frozen=True)
class UnitPath:
    """Equity, margin and marks of a unit around an event. `scale`: the currency's decimals."""

    points: list[Point]
    scale: int
    equity: Answer
    marks: Answer


def path(dates: PublishedDates, event: PublishedEvent) -> UnitPath:
    """Recomputed by the reference from the ledger, at the versions that were published."""
    session = open_session(dates, event.key.account_id, event.day)
    scale = session.scale(event.key.currency)
    whole = path_of(session, event.key)
    shown = window(whole, parse_time_us(event.first), parse_time_us(event.last))
    day_of = event.day.isoformat()
    rows = [[day_of, _time(p.ts), p.event, *(_amount(n, scale) for n in (p.equity, p.margin))] for p in shown]
    names = ["business_date", "ts", "event", "equity", "maintenance_margin"]
    kinds = ["DATE", "TIMESTAMP", "VARCHAR", "DECIMAL(38,18)", "DECIMAL(38,18)"]
    title = f"Equity and maintenance margin in {event.key.currency}, after each event"
    marks = []
    if shown:
        for instrument_id, series in sorted(session.market.ticks.items()):
            for ts, mark in zip(series.ts, series.mark, strict=True):
                if shown[0].ts <= ts <= shown[-1].ts:
                    marks.append([day_of, _time(ts), instrument_id, plain(mark)])
    of_marks = Answer(
        "Marks",
        "",
        ["business_date", "ts", "instrument_id", "mark_price"],
        ["DATE", "TIMESTAMP", "VARCHAR", "DECIMAL(38,18)"],
        marks,
    )
    return UnitPath(shown, scale, Answer(title, "", names, kinds, rows), of_marks)


def _time(ts: int) -> str:
    return iso(ts).replace(".000000Z", "Z")


def _amount(units: int, scale: int) -> str:
    return pad_decimals(plain(units_to_e18(units, scale)), scale)
