"""The published tables: who was liquidated, who fell below zero, what the fund paid, who was charged."""

from lossledger.schemas.core import (
    BUSINESS_DATE,
    Column,
    Table,
    Type,
    count,
    decimal,
    flag,
    money,
    text,
    when,
)
from lossledger.schemas.inputs import ACCOUNT_TYPES, CLIENT_CLASSES, MOVEMENT_KINDS, SIDES

METHODS = ("session_profit_prorata", "equity_prorata", "none")
COMPARED_RULES = (
    "session_profit_prorata",
    "equity_prorata",
    "session_profit_floor",
    "open_interest_prorata",
    "adl_queue",
)
RECONCILIATION_RULES = (
    "trade_zero_sum",
    "position_zero_sum",
    "funding_zero_sum",
    "account_roll_forward",
    "fund_roll_forward",
    "waterfall",
    "components",
    "liquidation_match",
    "venue_account_balance",
    "venue_fund_balance",
    "venue_liquidation_value",
)
LOSS_COMPONENTS = (
    "cushion",
    "headroom",
    "gap_in_cushion",
    "gap_past_bankruptcy",
    "latency",
    "market_move",
    "execution",
    "adl",
    "takeover",
    "fees",
    "funding",
    "account_trading",
    "other_flows",
)
FUND_KINDS = ("liquidation_fee", "surplus", "takeover_gain", "takeover_funding", "draw")
_ACCOUNT = text("account_id", "The account.")
_CURRENCY = text("currency", "Settlement currency; amounts of the row are in units of it.")
_ISOLATION = text("isolation", "Empty for cross margin, else the instrument of the isolated position.")
_INSTRUMENT = text("instrument_id", "The instrument.")
_CLASS = text("client_class", "The client's class just before the end of the session.", values=CLIENT_CLASSES)
_TYPE = text("account_type", "client, house or liquidator.", values=ACCOUNT_TYPES)
_UNIT = (_ACCOUNT, _CURRENCY, _ISOLATION)
_UNIT_KEY = ("account_id", "currency", "isolation")


def _table(name: str, grain: str, doc: str, columns: tuple[Column, ...], key: tuple[str, ...]) -> Table:
    return Table("attribution", name, grain, doc, (BUSINESS_DATE, *columns), ("business_date", *key))


LIQUIDATIONS = _table(
    "liquidations",
    "an ended liquidation episode; its date is the session in which it ended",
    "From the trigger to the end. An episode that is still open at the end of a session is in no row yet.",
    (
        text("episode_id", "The same for the same input, whatever the order of files."),
        *_UNIT,
        when("triggered_at", "When equity was first seen below maintenance margin (or the venue acted)."),
        when("first_execution_at", "The first liquidation fill; null when there was none.", nullable=True),
        when("ended_at", "When the unit was flat or had recovered."),
        text(
            "end_reason",
            "flat: closed by liquidation fills; self_closed: by the account; recovered: no longer breaching.",
            values=("flat", "self_closed", "recovered"),
        ),
        text(
            "trigger",
            "margin: recomputed breach; recorded_fill: the venue liquidated and the recomputation saw no breach.",
            values=("margin", "recorded_fill"),
        ),
        text("execution", "Whose fills closed it.", values=("recorded", "simulated")),
        money("equity_at_trigger", "Wallet plus unrealised PnL at the trigger."),
        money("maintenance_margin_at_trigger", "Maintenance margin at the trigger."),
        money("terminal_equity", "Equity at the end, before any reset or forfeit."),
        money("liquidation_fees", "Fees of the liquidation fills."),
        money("surplus", "Positive terminal equity forfeited to the insurance fund."),
        money("deficit", "max(0, −terminal_equity) when it ended flat or self-closed, else 0."),
    ),
    ("episode_id",),
)
LIQUIDATION_POSITIONS = _table(
    "liquidation_positions",
    "ended episode × instrument held at its start or traded by its liquidation fills",
    "What an episode started with and what the liquidation did of it. A position that was opened later has quantity, "
    "entry_value and maintenance_margin 0. The start of a margin trigger is after the tick of triggered_at, that of "
    "a recorded_fill just before the first liquidation fill. A liquidation fill counts in full, also what turns a "
    "position.",
    (
        text("episode_id", "The episode in attribution.liquidations."),
        _INSTRUMENT,
        decimal("quantity", "At the start; signed: positive long.", "contracts"),
        money("entry_value", "Entry value EV at the start."),
        decimal(
            "mark_price",
            "In force at the start; null before the first tick.",
            "quote currency",
            nullable=True,
        ),
        money("maintenance_margin", "Of the position, at the start."),
        count("liquidation_fills", "How many there were in the instrument."),
        decimal("filled_quantity", "Sum of their quantities, unsigned.", "contracts"),
        money("filled_value", "Sum of their values."),
    ),
    ("episode_id", "instrument_id"),
)
LOSS_COMPONENTS_TABLE = _table(
    "loss_components",
    "episode × component × instrument; zero rows are left out",
    "Why equity ended where it did. The components of an episode sum to −terminal_equity exactly. They are "
    "valuations along one path: what would have happened otherwise is a scenario, never a component.",
    (
        text("episode_id", "The episode in attribution.liquidations."),
        text("component", "The cause.", values=LOSS_COMPONENTS),
        text("instrument_id", "Where the event has one.", nullable=True),
        money("amount", "Positive enlarges the deficit."),
    ),
    ("episode_id", "component", "instrument_id"),
)
NEGATIVE_BALANCES = _table(
    "negative_balances",
    "a flat risk unit falling (further) below zero, or a loss of a lot that was taken over",
    "Covered events go to the waterfall; the others become receivables. A loss of a lot is always covered; its account "
    "and unit are the liquidator's.",
    (
        text("event_id", "The same for the same input, whatever the order of files."),
        when("ts", "When."),
        *_UNIT,
        text("client_class", "The client's class then.", values=CLIENT_CLASSES),
        text("cause", "What made it negative.", values=("liquidation", "trading", "transfer", "takeover")),
        text(
            "episode_id",
            "The episode that ended then, where the cause is liquidation; the lot's, if known, where it is takeover.",
            nullable=True,
        ),
        flag(
            "protected", "Covered: the account was protected and the cause is no transfer, or it is takeover."
        ),
        money(
            "session_transfers",
            "Net transfers of the unit in the session, up to and with ts; moves between own units included.",
        ),
        money("deficit", "How far below zero, beyond earlier debt."),
        money("fund_draw", "What the insurance fund paid."),
        money("shortfall", "What it could not pay: shared in the session."),
    ),
    ("event_id",),
)
INSURANCE_FUND_LEDGER = _table(
    "insurance_fund_ledger",
    "a movement of the fund",
    "In order of time, then external movements; liquidation fees and takeover funding; surplus and takeover gains; "
    "draws. Movements of zero are left out.",
    (
        _CURRENCY,
        count("seq", "From 1 per currency and business date."),
        when("ts", "When."),
        text("kind", "What it is.", values=(*MOVEMENT_KINDS, *FUND_KINDS)),
        money("amount", "Signed: positive into the fund."),
        money("balance", "After the movement."),
        text("ref", "movement_id, fill_id, episode_id, lot_id or event_id, by kind."),
    ),
    ("currency", "seq"),
)
INSURANCE_FUND_DAILY = _table(
    "insurance_fund_daily",
    "currency (every row of currencies)",
    "The fund bridge: opening + external + liquidation_fees + surplus + takeover_gains + takeover_funding + draws = "
    "closing.",
    (
        _CURRENCY,
        money("opening", "Balance at the start; 0 on the first date of a warehouse."),
        money("external", "Movements by the venue, kind opening included."),
        money("liquidation_fees", "Fees of liquidation fills that the policy gives to the fund."),
        money("surplus", "Forfeited residuals of liquidated units."),
        money("takeover_gains", "Gains of lots that were closed; losses of lots are paid by draws."),
        money("takeover_funding", "Funding on positions that were taken over; negative when paid."),
        money("draws", "Paid for deficits, ≤ 0."),
        money("closing", "Balance at the end."),
        money("lowest", "The least balance in the session, its opening included."),
        count("draw_count", "Draws that are not zero."),
    ),
    ("currency",),
)
SESSION_LOSSES = _table(
    "session_losses",
    "currency (every row of currencies)",
    "The waterfall of the session: deficit = fund_draw + socialised + uncovered.",
    (
        _CURRENCY,
        money("unprotected_deficit", "Deficits that nobody covers: receivables."),
        money("deficit", "Covered deficits."),
        money("takeover_deficit", "The part of deficit that is losses of lots which were taken over."),
        money("fund_draw", "Paid by the insurance fund."),
        money("shortfall", "What the fund could not pay."),
        money("socialised", "Charged to accounts."),
        money("uncovered", "Paid by nobody in this ledger."),
        text("method", "The sharing method in force just before the end.", values=METHODS),
        money("basis_total", "Sum of the payers' bases, also when there is nothing to share."),
        count("payers", "Accounts with a charge > 0."),
        money("adl_loss", "Sum of the session's adl_losses."),
    ),
    ("currency",),
)
SOCIALISED_LOSSES = _table(
    "socialised_losses",
    "account × currency with a charge > 0",
    "Who paid. Booked at the end of the session, so it is in the wallet of the next date.",
    (
        _ACCOUNT,
        _CURRENCY,
        _CLASS,
        text("method", "The sharing method.", values=METHODS),
        money("basis", "What the charge is in proportion to."),
        money("charge", "What the account pays."),
    ),
    ("account_id", "currency"),
)
ADL_LOSSES = _table(
    "adl_losses",
    "a fill of kind adl",
    "What auto-deleveraging took from an account relative to the mark: a loss shared in kind, no part of the "
    "waterfall. Only under recorded execution.",
    (
        text("fill_id", "The fill."),
        text("trade_id", "Its trade."),
        when("ts", "When."),
        *_UNIT,
        _INSTRUMENT,
        text("side", "What the account did.", values=SIDES),
        decimal("price", "The price it got.", "quote currency"),
        decimal("quantity", "How much was taken over.", "contracts"),
        decimal(
            "mark_price",
            "The mark then in force; null before the first tick.",
            "quote currency",
            nullable=True,
        ),
        money("amount", "Positive: lost by the account. Fee excluded."),
        text("against_account_id", "The other side, when the trade has exactly one.", nullable=True),
    ),
    ("fill_id",),
)
ACCOUNT_DAILY = _table(
    "account_daily",
    "risk unit with activity, a position or a wallet other than 0",
    "closing = opening + transfers + realised_pnl − fees + funding + negative_balance_reset − surplus_forfeited "
    "− socialised_charge + fund_settlement. The charge of session D is booked at its end and so appears on D + 1. The "
    "session profit of an account is the sum over its units of realised_pnl − fees + funding + unrealised_pnl − "
    "opening_unrealised_pnl.",
    (
        *_UNIT,
        _TYPE,
        _CLASS,
        money("opening_wallet", "The closing wallet of the day before."),
        money("opening_unrealised_pnl", "At the last marks before the start; 0 on the first date."),
        money("transfers", "Net."),
        money("realised_pnl", "Of reducing fills, fees excluded."),
        money("fees", "Paid (negative: rebates)."),
        money("funding", "Positive when received."),
        money("negative_balance_reset", "Put in by negative balance protection."),
        money("surplus_forfeited", "Taken to the insurance fund after a liquidation."),
        money("socialised_charge", "Charged for the session before."),
        money(
            "fund_settlement",
            "Of a liquidator: what it got from the fund for losses of lots, less what it gave for gains and funding.",
        ),
        money("closing_wallet", "At the end of the session."),
        money("unrealised_pnl", "At the last marks before the end."),
        money("equity", "closing_wallet + unrealised_pnl."),
    ),
    _UNIT_KEY,
)
PROTECTION_DAILY = _table(
    "protection_daily",
    "account × currency with a covered deficit in the session",
    "Protection per account, as regulators see it, beside protection per risk unit, which is what is booked: what "
    "part of the covered deficits the same account could have paid from what all its units hold at the end of the "
    "session, later deposits and gains included.",
    (
        _ACCOUNT,
        _CURRENCY,
        _CLASS,
        count("events", "Covered negative-balance events."),
        money("deficit", "Sum of their deficits."),
        money("fund_draw", "What the insurance fund paid of it."),
        money("shortfall", "What it could not pay."),
        money("account_equity", "Sum over all units of max(0, equity) just before the end of the session."),
        money("within_account_equity", "min(deficit, account_equity)."),
    ),
    ("account_id", "currency"),
)
_LOT = (
    text("lot_id", "The fill that opened the lot; of a simulated one an id of ours."),
    text("episode_id", "The liquidation that it came from; null when unknown.", nullable=True),
    text("from_account_id", "The account of which it was taken over; null when unknown.", nullable=True),
    text("from_isolation", "The isolation of its unit there; null when unknown.", nullable=True),
    text("account_id", "The liquidator."),
    text("isolation", "Of the liquidator's unit."),
    _CURRENCY,
    _INSTRUMENT,
)
TAKEOVERS = _table(
    "takeovers",
    "closing of a lot, or of a part of it; its date is the session of the closing",
    "What each position that was taken over on the fund's account made or cost, and why: result = at_takeover + "
    "market_move + execution − fees. A result above 0 is a movement takeover_gain of the fund, one below 0 a negative "
    "balance of cause takeover. Valued at the marks in force when the lot was opened and closed.",
    (
        *_LOT,
        decimal("quantity", "Closed; positive: the lot was long.", "contracts"),
        when("opened_at", "When it was taken over."),
        when("closed_at", "When this part of it was closed."),
        text("close_fill_id", "The liquidator's fill; null where closings are simulated.", nullable=True),
        text("closed_by", "market, or adl: somebody was deleveraged against it.", values=("market", "adl")),
        money("open_value", "The value at which it was taken over."),
        money("close_value", "The value at which it was closed."),
        money("fees", "Of opening and closing it."),
        money("result", "What the fund made of it, fees paid."),
        money(
            "at_takeover",
            "Its value at the mark, less that of the takeover; null without a mark.",
            nullable=True,
        ),
        money("market_move", "What the mark moved while it was held; null without a mark.", nullable=True),
        money("execution", "The closing's value, less that at the mark; null without a mark.", nullable=True),
        text("event_id", "The negative balance of a loss.", nullable=True),
    ),
    ("lot_id", "closed_at", "close_fill_id"),
)
TAKEOVER_INVENTORY = _table(
    "takeover_inventory",
    "lot open at the end of the session",
    "What the fund holds: positions that were taken over and are not closed yet.",
    (
        *_LOT,
        decimal("quantity", "What is left of it; signed: positive long.", "contracts"),
        when("opened_at", "When it was taken over."),
        money("open_value", "The value at which what is left was taken over."),
        money("open_fee", "What is left of the fee of the takeover."),
        decimal("mark_price", "The last mark; null before the first tick.", "quote currency", nullable=True),
        money("unrealised_result", "At that mark, before fees; null without one.", nullable=True),
    ),
    ("lot_id",),
)
POSITIONS_DAILY = _table(
    "positions_daily",
    "position open at the end of the session",
    "Average entry value; a position without a mark counts with no unrealised PnL.",
    (
        *_UNIT,
        _INSTRUMENT,
        decimal("quantity", "Signed: positive long.", "contracts"),
        money("entry_value", "Entry value EV."),
        decimal("mark_price", "The last mark; null before the first tick.", "quote currency", nullable=True),
    ),
    (*_UNIT_KEY, "instrument_id"),
)
RECEIVABLES_DAILY = _table(
    "receivables_daily",
    "risk unit with opening debt, new debt, recovery or closing debt",
    "Negative balances that protection does not cover.",
    (
        *_UNIT,
        money("opening_debt", "At the start."),
        money("new_debt", "Uncovered deficits of the session."),
        money("recovered", "Paid back."),
        money("closing_debt", "At the end."),
    ),
    _UNIT_KEY,
)
RECONCILIATION = _table(
    "reconciliation",
    "rule × key",
    "A break is published whatever its size. Rows with independent = false hold by construction and are "
    "evidence of nothing but correct code.",
    (
        text("rule", "Which check.", values=RECONCILIATION_RULES),
        text("key", "What it is about."),
        text("source_expected", "Where the expected value is from."),
        text("source_actual", "Where the actual value is from."),
        decimal(
            "expected", "Money in units of its currency, sizes in contracts, counts as they are.", "by rule"
        ),
        decimal("actual", "Null where it cannot be determined.", "by rule", nullable=True),
        decimal("break", "actual − expected.", "by rule", nullable=True),
        decimal("tolerance", "How large a break rounding explains.", "by rule"),
        flag("independent", "Whether the two sides come from independent sources."),
    ),
    ("rule", "key"),
)
RULE_COMPARISON = _table(
    "rule_comparison",
    "rule × account × currency with a charge > 0",
    "The session's shortfalls shared once more under every rule that the policy compares; nothing is booked. The "
    "rules open_interest_prorata and adl_queue do not cap a charge by what the account has.",
    (
        text("rule", "The sharing rule.", values=COMPARED_RULES),
        _ACCOUNT,
        _CURRENCY,
        _TYPE,
        _CLASS,
        money(
            "chargeable", "κ: what the account has above zero at the end of the session, over all its units."
        ),
        money("charge", "What the account would have paid."),
    ),
    ("rule", "account_id", "currency"),
)
RULE_TOTALS = _table(
    "rule_totals",
    "rule × currency with a shortfall",
    "charged + uncovered = shortfall + to_fund.",
    (
        text("rule", "The sharing rule.", values=COMPARED_RULES),
        _CURRENCY,
        money("shortfall", "What the fund could not pay."),
        money("charged", "Sum of the charges."),
        money("to_fund", "Charged beyond the shortfall and paid into the fund."),
        money("uncovered", "Paid by nobody."),
        money("beyond_chargeable", "Sum of what the charges exceed the accounts' chargeable by."),
        Column("payers", Type.INTEGER, "Accounts with a charge > 0.", "count"),
    ),
    ("rule", "currency"),
)

TABLES = (
    LIQUIDATIONS,
    LIQUIDATION_POSITIONS,
    LOSS_COMPONENTS_TABLE,
    NEGATIVE_BALANCES,
    INSURANCE_FUND_LEDGER,
    INSURANCE_FUND_DAILY,
    SESSION_LOSSES,
    SOCIALISED_LOSSES,
    PROTECTION_DAILY,
    ADL_LOSSES,
    ACCOUNT_DAILY,
    POSITIONS_DAILY,
    RECEIVABLES_DAILY,
    RECONCILIATION,
    RULE_COMPARISON,
    RULE_TOTALS,
    TAKEOVERS,
    TAKEOVER_INVENTORY,
)
