"""The ledger: inputs typed and deduplicated, rejected rows, and the state carried from date to date."""

from lossledger.schemas.core import (
    BUSINESS_DATE,
    Column,
    Dataset,
    Field,
    Table,
    Type,
    count,
    decimal,
    flag,
    text,
    units,
    when,
)
from lossledger.schemas.inputs import DATASETS

EVENT_DATE = Column("event_date", Type.DATE, "The UTC date of ts: the landing folder's date.")
BUCKET = Column(
    "account_bucket", Type.INTEGER, "Hash of account_id: which accounts are replayed together.", "count"
)
BUCKETS = 64


def _column(field: Field) -> Column:
    nullable = not field.required and field.name not in ("isolation", "isolated")
    return Column(field.name, field.type, field.doc, field.measured_in, nullable, field.values)


def _typed(dataset: Dataset) -> Table:
    columns = tuple(_column(f) for f in dataset.fields)
    grain = "row of the dataset, once per " + ", ".join(dataset.key)
    if not dataset.dated:
        return Table("ledger", dataset.name, grain, dataset.doc, columns, dataset.key, partition="")
    numbers = tuple(
        number(f"{kind}_number", f"The {kind}'s number in ledger.numbers.")
        for kind, name in (("account", "account_id"), ("instrument", "instrument_id"))
        if any(f.name == name for f in dataset.fields)
    )
    bucket = (BUCKET,) if numbers and numbers[0].name == "account_number" else ()
    return Table(
        "ledger",
        dataset.name,
        grain,
        dataset.doc,
        (EVENT_DATE, *bucket, *numbers, *columns, *_ORIGIN),
        dataset.key,
        "event_date",
        (*(column.name for column in bucket), "ts"),
    )


def number(name: str, doc: str) -> Column:
    return Column(name, Type.INTEGER, doc)


_ORIGIN = (
    number("file_number", "The delivered file, in raw.files."),
    number("row_number", "The row of that file; data rows count from 1."),
)
TYPED = {name: _typed(dataset) for name, dataset in DATASETS.items()}
NUMBERS = Table(
    "ledger",
    "numbers",
    "account, currency or instrument that was ever known",
    "Numbers that stand for names inside; each is given once. Nothing is ever ordered by them that shows.",
    (
        text("kind", "What it is.", values=("account", "currency", "instrument")),
        text("name", "Its id."),
        number("number", "From 0 on, without gaps."),
    ),
    ("kind", "number"),
    partition="",
)
FILES = Table(
    "raw",
    "files",
    "delivered file, once per content",
    "Every version of every file that was ever loaded. Its bytes are kept, once, under "
    "WAREHOUSE/raw/content, in a file whose name is the hash.",
    (
        Column("event_date", Type.DATE, "The folder's date; 1970-01-01 for reference data."),
        number("file_number", "From 1 on: how ledger rows name it."),
        text("dataset", "The dataset."),
        text("file", "Path relative to LANDING."),
        text("file_sha256", "Hash of the file's content."),
        count("bytes", "Its size."),
        count("rows", "Data rows."),
        when("loaded_at", "When it was first loaded."),
    ),
    ("file_number",),
    "event_date",
)

DELIVERIES = Table(
    "ledger",
    "deliveries",
    "dataset × folder that was loaded",
    "What of each delivery is in the ledger now: rows = accepted + duplicates + superseded + quarantined.",
    (
        Column("event_date", Type.DATE, "The folder's date; 1970-01-01 for reference data."),
        text("dataset", "The dataset."),
        text(
            "delivery_sha256",
            "Hash of content_sha256 and of the version of the load's rules: when it changes, it is loaded again.",
        ),
        count("rows", "Data rows in the files."),
        count("accepted", "Rows in the ledger."),
        count("duplicates", "Rows identical to an accepted one."),
        count("superseded", "Rows of states (ticks, balances) of which a later row holds."),
        count("quarantined", "Rows in ledger.quarantine."),
        text("extra_columns", "Columns that were kept out, by name."),
        text("content_sha256", "Hash of the delivery's paths and contents, and of what its rows refer to."),
        Column(
            "table_version",
            Type.INTEGER,
            "Version of the Delta table that was read; null where files were delivered. Later versions that leave the "
            "partition's files as they are do not count.",
            nullable=True,
        ),
    ),
    ("event_date", "dataset"),
    "event_date",
)
QUARANTINE = Table(
    "ledger",
    "quarantine",
    "rejected row",
    "Rows that break a rule, as delivered, with every reason. The date is the folder's; for reference data the "
    "first date that was run with it.",
    (
        BUSINESS_DATE,
        text("dataset", "The dataset."),
        text("file", "Path relative to LANDING."),
        count("row_number", "Data rows count from 1."),
        text("row", "The row as delivered, as JSON; of one of more than 2,048 characters the beginning."),
        text("reasons", "Every reason, separated by '; '."),
    ),
    ("dataset", "file", "row_number"),
)

_UNIT = (
    text("account_id", "The account."),
    text("currency", "Settlement currency."),
    text("isolation", "Empty for cross margin, else the instrument of the isolated position."),
)
_KEY = ("business_date", "account_id", "currency", "isolation")


def _replayed(
    name: str,
    grain: str,
    doc: str,
    columns: tuple[Column, ...],
    key: tuple[str, ...],
    schema: str = "staging",
) -> Table:
    return Table(schema, name, grain, doc, (BUSINESS_DATE, *columns), key)


UNIT_SESSIONS = _replayed(
    "unit_sessions",
    "risk unit with anything to carry or to tell",
    "The state of a unit at the end of a session and the flows that led to it; the next session starts here.",
    (
        *_UNIT,
        flag("active", "Whether anything was booked on it."),
        units("opening_wallet", "Wallet at the start."),
        units("transfers", "Net."),
        units("realised_pnl", "Of reducing fills."),
        units("fees", "Paid."),
        units("funding", "Received."),
        units("negative_balance_reset", "Put in by protection."),
        units("surplus_forfeited", "Taken to the fund."),
        units("socialised_charge", "Charged for the session before."),
        units("fund_settlement", "Of a liquidator: got from the fund, less given."),
        units("closing_wallet", "Wallet at the end."),
        units("opening_unrealised", "Unrealised PnL just before the start."),
        units("closing_unrealised", "Unrealised PnL just before the end."),
        units("opening_debt", "Receivable at the start."),
        units("new_debt", "Uncovered deficits."),
        units("recovered", "Paid back."),
        units("closing_debt", "Receivable at the end."),
        text("open_episode", "State of an open liquidation, as JSON.", nullable=True),
    ),
    _KEY,
    "ledger",
)
UNIT_POSITIONS = _replayed(
    "unit_positions",
    "position open at the end of a session",
    "Carried to the next session.",
    (
        *_UNIT,
        text("instrument_id", "The instrument."),
        decimal("quantity", "Signed.", "contracts"),
        units("entry_value", "Entry value."),
        decimal("mark", "The last mark.", "quote currency", nullable=True),
    ),
    (*_KEY, "instrument_id"),
    "ledger",
)
UNIT_CHARGES = _replayed(
    "unit_charges",
    "risk unit that pays a socialised loss",
    "Booked at the end of the session, before any other event of that instant.",
    (*_UNIT, units("charge", "What the unit pays."), when("booked_at", "The end of the session.")),
    _KEY,
    "ledger",
)
MARKS = _replayed(
    "marks",
    "instrument that has had a tick",
    "The mark in force at the end of a session.",
    (text("instrument_id", "The instrument."), decimal("mark", "The last mark.", "quote currency")),
    ("business_date", "instrument_id"),
    "ledger",
)
_LOT = (
    text("lot_id", "The fill that opened it, or an id of ours."),
    text("execution", "recorded or simulated: whose lot it is."),
    text("episode_id", "The liquidation that it came from.", nullable=True),
    text("from_account_id", "The account of which it was taken over.", nullable=True),
    text("from_isolation", "The isolation of its unit there.", nullable=True),
    *_UNIT,
    text("instrument_id", "The instrument."),
    decimal("quantity", "What is left of it; signed.", "contracts"),
    when("opened_at", "When it was taken over."),
    units("open_value", "At which what is left was taken over."),
    units("open_fee", "What is left of the fee of opening it."),
    decimal("opening_mark", "In force when it was opened.", "quote currency", nullable=True),
)
OPEN_LOTS = _replayed(
    "open_lots",
    "lot open at the end of a session",
    "Positions that were taken over on the fund's account, carried to the next session.",
    _LOT,
    ("business_date", "lot_id"),
    "ledger",
)
CARRIED = (UNIT_SESSIONS, UNIT_POSITIONS, UNIT_CHARGES, MARKS, OPEN_LOTS)

EPISODES = _replayed(
    "episodes",
    "ended episode",
    "As attribution.liquidations, in ledger units.",
    (
        text("episode_id", "Id."),
        *_UNIT,
        when("triggered_at", "Trigger."),
        when("first_execution_at", "First liquidation fill.", nullable=True),
        when("ended_at", "End."),
        text("end_reason", "How it ended."),
        text("trigger", "What opened it."),
        text("execution", "Whose fills."),
        units("equity_at_trigger", "E0."),
        units("maintenance_margin_at_trigger", "MM0."),
        units("terminal_equity", "TE."),
        units("liquidation_fees", "Fees."),
        units("surplus", "Forfeited."),
        units("deficit", "Below zero."),
    ),
    ("episode_id",),
)
COMPONENTS = _replayed(
    "components",
    "episode × component × instrument",
    "As attribution.loss_components, in ledger units.",
    (
        text("episode_id", "Id."),
        text("currency", "Settlement currency."),
        text("component", "The cause."),
        text("instrument_id", "Where the event has one.", nullable=True),
        units("amount", "Positive enlarges the deficit."),
    ),
    ("episode_id", "component", "instrument_id"),
)
LIQUIDATION_POSITIONS = _replayed(
    "episode_positions",
    "ended episode × instrument",
    "As attribution.liquidation_positions, in ledger units.",
    (
        text("episode_id", "Id."),
        text("currency", "Settlement currency."),
        text("instrument_id", "The instrument."),
        decimal("quantity", "Signed, at the start.", "contracts"),
        units("entry_value", "At the start."),
        decimal("mark", "In force at the start.", "quote currency", nullable=True),
        units("maintenance_margin", "At the start."),
        count("liquidation_fills", "How many."),
        decimal("filled_quantity", "Unsigned sum of the liquidation fills.", "contracts"),
        units("filled_value", "Sum of their values."),
    ),
    ("episode_id", "instrument_id"),
)
NEGATIVE_BALANCES = _replayed(
    "deficits",
    "negative-balance event",
    "Before the waterfall.",
    (
        text("event_id", "Id."),
        when("ts", "When."),
        *_UNIT,
        text("client_class", "Then."),
        text("cause", "What made it negative."),
        text("episode_id", "The episode.", nullable=True),
        flag("protected", "Covered."),
        units("session_transfers", "Net transfers of the unit in the session until then."),
        units("deficit", "How far below zero."),
        text("liquidated", "What was closed, per instrument, as JSON."),
        text("from_account_id", "Of cause takeover: whose position it was.", nullable=True),
        count("place", "Among the events of its unit and time."),
    ),
    ("event_id",),
)
FUND_MOVEMENTS = _replayed(
    "unit_fund_movements",
    "liquidation fee, surplus, or gain or funding of a takeover",
    "Movements into the fund that come from units and lots.",
    (
        when("ts", "When."),
        text("kind", "liquidation_fee, surplus, takeover_gain or takeover_funding."),
        *_UNIT,
        text("instrument_id", "The instrument."),
        text("fill_id", "The fill."),
        units("amount", "Signed."),
        text("ref", "Fill, episode or lot."),
        count("place", "In the order of lots."),
    ),
    ("ref", "ts", "instrument_id", *_KEY[1:]),
)
ADL_LOSSES = _replayed(
    "adl_fills",
    "fill of kind adl",
    "As attribution.adl_losses, in ledger units.",
    (
        text("fill_id", "The fill."),
        text("trade_id", "Its trade."),
        when("ts", "When."),
        *_UNIT,
        text("instrument_id", "The instrument."),
        count("side", "+1 bought, -1 sold."),
        decimal("price", "Price.", "quote currency"),
        decimal("quantity", "Quantity.", "contracts"),
        decimal("mark", "Mark in force.", "quote currency", nullable=True),
        units("amount", "Lost."),
    ),
    ("fill_id",),
)
UNIT_LOTS = _replayed(
    "unit_lots",
    "lot that a unit leaves open",
    "Of liquidators those that are open at the end; simulated ones as they were taken over.",
    _LOT,
    ("lot_id",),
)
LOT_CLOSINGS = _replayed(
    "lot_closings",
    "closing of a lot, or of a part of it",
    "As attribution.takeovers, in ledger units.",
    (
        *_LOT[:1],
        text("lot_execution", "recorded or simulated: whose lot it was."),
        *_LOT[2:9],
        decimal("quantity", "Closed, with the lot's sign.", "contracts"),
        when("opened_at", "When it was taken over."),
        when("closed_at", "When this part was closed."),
        text("close_fill_id", "The liquidator's fill.", nullable=True),
        text("closed_by", "market or adl."),
        units("open_value", "What went out of the lot."),
        units("close_value", "What came in."),
        units("fees", "Of both."),
        units("result", "What the fund made of it."),
        *(
            Column(
                name, Type.UNITS, "Part of the result; null without a mark.", "ledger units", nullable=True
            )
            for name in ("at_takeover", "market_move", "execution")
        ),
    ),
    ("lot_id", "closed_at", "close_fill_id"),
)
FUNDING_TOTALS = _replayed(
    "funding_totals",
    "instrument in a bucket of accounts",
    "Funding received.",
    (
        text("instrument_id", "The instrument."),
        text("currency", "Settlement currency."),
        units("amount", "Received."),
        count("events", "Positions times funding events."),
    ),
    (),
)
SNAPSHOTS = _replayed(
    "snapshots",
    "risk unit at an asked-for instant × position",
    "State after all events of the instant.",
    (
        when("ts", "The instant."),
        *_UNIT,
        units("wallet", "Wallet."),
        units("equity", "Equity."),
        text("instrument_id", "Null when there is no position.", nullable=True),
        decimal("quantity", "Signed.", "contracts"),
        units("entry_value", "Entry value."),
        units("value", "Value at the mark."),
        units("unrealised", "Unrealised PnL."),
        decimal("mark", "Mark in force.", "quote currency", nullable=True),
    ),
    ("ts", "account_id", "currency", "isolation", "instrument_id"),
)
HOLDERS = _replayed(
    "holders",
    "account",
    "What an account is just before the end of the session.",
    (
        text("account_id", "The account."),
        text("account_type", "client, house or liquidator."),
        text("client_class", "The client's class."),
    ),
    ("account_id",),
)
ACCOUNT_RESULTS = _replayed(
    "account_results",
    "account × currency",
    "The session of an account, over its units: what losses are shared by.",
    (
        text("account_id", "The account."),
        text("currency", "Settlement currency."),
        flag("house", "Whether it is the venue's own: then it never pays."),
        units("profit", "Realised, less fees, with funding and the change of unrealised PnL."),
        units("equity", "Just before the end."),
        units("chargeable", "Sum of what its units have above zero."),
    ),
    ("account_id", "currency"),
)
EVENT_STATES = _replayed(
    "event_states",
    "risk unit at the instant of a shortfall × position that is not as it was at the one before",
    "How units stand at the instants of shortfalls, told by what has changed.",
    (
        when("ts", "The first of the instants at which it is so."),
        *_UNIT,
        text("instrument_id", "Null when the wallet alone has changed.", nullable=True),
        units("wallet", "Wallet."),
        decimal("quantity", "Signed; 0: closed.", "contracts"),
        units("entry_value", "Entry value."),
    ),
    ("ts", "account_id", "currency", "isolation", "instrument_id"),
)
EVENT_CHARGES = _replayed(
    "event_charges",
    "rule × currency × account, of some events",
    "What a rule that looks at each event charges.",
    (
        text("rule", "The rule's name."),
        text("currency", "Settlement currency."),
        text("account_id", "The account."),
        units("charge", "Its charges of these events."),
    ),
    (),
)
FINDINGS = _replayed(
    "findings",
    "thing found of the date's input",
    "On their way into ops.dq_results, where they are of severity warn.",
    (
        text("table_name", "The table."),
        text("expectation", "The kind, and after a blank what it is about."),
        count("unexpected_count", "Rows that it is about."),
        text("examples", "A few of them, as JSON; the first has the finding in words."),
        text("suite_sha256", "Hash of the kind and of what it was measured by."),
    ),
    ("table_name", "expectation"),
)
# Names of the fields of engine.rows.SessionRows, and the table that stores each.
REPLAYED = {
    "unit_sessions": UNIT_SESSIONS,
    "unit_positions": UNIT_POSITIONS,
    "episodes": EPISODES,
    "components": COMPONENTS,
    "liquidation_positions": LIQUIDATION_POSITIONS,
    "negative_balances": NEGATIVE_BALANCES,
    "fund_movements": FUND_MOVEMENTS,
    "adl_losses": ADL_LOSSES,
    "funding_totals": FUNDING_TOTALS,
    "snapshots": SNAPSHOTS,
    "lots": UNIT_LOTS,
    "takeovers": LOT_CLOSINGS,
}
