"""The landing zone: what a venue delivers (LANDING/<dataset>/[date=YYYY-MM-DD/]<file>)."""

from lossledger.schemas.core import Dataset, Field, Type

_T, _D, _TS = Type.TEXT, Type.DECIMAL, Type.TIME
KINDS = ("linear", "inverse", "quanto")
ACCOUNT_TYPES = ("client", "house", "liquidator")
CLIENT_CLASSES = ("retail", "professional", "institutional")
SIDES = ("buy", "sell")
FILL_KINDS = ("normal", "liquidation", "adl", "settlement")
MOVEMENT_KINDS = ("opening", "injection", "withdrawal", "other")

_CURRENCY = Field("currency", _T, "The currency of the amount.")
_ACCOUNT = Field("account_id", _T, "The account.")
_INSTRUMENT = Field("instrument_id", _T, "The instrument.")
_WHEN = Field("ts", _TS, "When it happened, UTC.")
_VALID_FROM = Field("valid_from", _TS, "From when on this version is effective.")

CURRENCIES = Dataset(
    "currencies",
    False,
    "Currencies and how fine their ledger unit is.",
    (Field("currency", _T, "Code."), Field("scale", Type.INTEGER, "A ledger unit is 10^-scale; 0 to 18.")),
    ("currency",),
)
_ORDER = "; at one time it decides the order: digits alone as numbers, then all others as text."
INSTRUMENTS = Dataset(
    "instruments",
    False,
    "Contract terms; a later version may change tick_size and lot_size only.",
    (
        Field("instrument_id", _T, "The instrument."),
        Field("kind", _T, "Which contract value formula holds.", values=KINDS),
        Field("base_currency", _T, "What is traded."),
        Field("quote_currency", _T, "What the price is in."),
        Field("settlement_currency", _T, "What profit and loss are paid in."),
        Field(
            "multiplier",
            _D,
            "Quantity × multiplier × price is the value; for inverse, quantity × multiplier / price.",
            positive=True,
            unit="by kind",
        ),
        Field(
            "tick_size",
            _D,
            "Prices of orders (normal fills) are multiples of it.",
            positive=True,
            unit="quote currency",
        ),
        Field(
            "lot_size",
            _D,
            "Quantities of orders (normal fills) are multiples of it.",
            positive=True,
            unit="contracts",
        ),
        _VALID_FROM,
    ),
    ("instrument_id", "valid_from"),
)
MARGIN_TIERS = Dataset(
    "margin_tiers",
    False,
    "Maintenance margin rates by notional; all rows of one instrument and valid_from are one table.",
    (
        _INSTRUMENT,
        _VALID_FROM,
        Field(
            "notional_floor",
            _D,
            "The tier holds from this notional on, in the settlement currency.",
            unit="settlement currency",
        ),
        Field("maintenance_rate", _D, "Rate of the tier.", unit="ratio"),
    ),
    ("instrument_id", "valid_from", "notional_floor"),
)
ACCOUNTS = Dataset(
    "accounts",
    False,
    "Accounts; the type never changes.",
    (
        _ACCOUNT,
        Field(
            "account_type",
            _T,
            "House accounts and liquidators are never triggered, reset or charged; a liquidator takes positions over "
            "on the insurance fund's account.",
            values=ACCOUNT_TYPES,
        ),
        Field("client_class", _T, "The client's regulatory class.", values=CLIENT_CLASSES),
        Field("negative_balance_protected", Type.BOOLEAN, "Whether losses below zero are covered."),
        _VALID_FROM,
    ),
    ("account_id", "valid_from"),
)
TRANSFERS = Dataset(
    "transfers",
    True,
    "Deposits, withdrawals and moves between risk units.",
    (
        Field("transfer_id", _T, f"Unique id{_ORDER}"),
        _WHEN,
        _ACCOUNT,
        _CURRENCY,
        Field("isolation", _T, "Instrument of the isolated risk unit, empty for cross.", required=False),
        Field("amount", _D, "Signed: positive into the unit.", money=True),
        Field("kind", _T, "Free text: deposit, withdrawal, margin_transfer, ..."),
    ),
    ("transfer_id",),
)
FILLS = Dataset(
    "fills",
    True,
    "Executions, one row a side.",
    (
        Field("fill_id", _T, f"Unique id of this side{_ORDER}"),
        Field(
            "trade_id",
            _T,
            "The trade both sides belong to, in its instrument: venues number their trades per contract.",
        ),
        _WHEN,
        _ACCOUNT,
        _INSTRUMENT,
        Field("isolated", Type.BOOLEAN, "Whether the position is isolated; default false.", required=False),
        Field("side", _T, "What the account did.", values=SIDES),
        Field("price", _D, "Execution price.", positive=True, unit="quote currency"),
        Field("quantity", _D, "Contracts or base units.", positive=True, unit="contracts"),
        Field("fee", _D, "Positive = paid by the account.", money=True),
        Field("kind", _T, "Why the fill happened.", values=FILL_KINDS),
    ),
    ("fill_id",),
)
TICKS = Dataset(
    "ticks",
    True,
    "Mark prices.",
    (
        _WHEN,
        _INSTRUMENT,
        Field("mark_price", _D, "The mark from this time on.", positive=True, unit="quote currency"),
        Field("index_price", _D, "The index.", required=False, positive=True, unit="quote currency"),
        Field("bid", _D, "Best bid.", required=False, positive=True, unit="quote currency"),
        Field("ask", _D, "Best ask.", required=False, positive=True, unit="quote currency"),
    ),
    ("instrument_id", "ts"),
    states=True,
)
FUNDING = Dataset(
    "funding",
    True,
    "Funding events of perpetual contracts.",
    (
        _WHEN,
        _INSTRUMENT,
        Field("rate", _D, "Positive: longs pay.", unit="ratio"),
        Field("price", _D, "The price the payment is computed at.", positive=True, unit="quote currency"),
    ),
    ("instrument_id", "ts"),
)
FUND_MOVEMENTS = Dataset(
    "fund_movements",
    True,
    "Money put into or taken out of the insurance fund by the venue.",
    (
        Field("movement_id", _T, f"Unique id{_ORDER}"),
        _WHEN,
        _CURRENCY,
        Field("amount", _D, "Signed: positive into the fund.", money=True),
        Field("kind", _T, "What it is.", values=MOVEMENT_KINDS),
    ),
    ("movement_id",),
)
VENUE_ACCOUNT_BALANCES = Dataset(
    "venue_account_balances",
    True,
    "Wallet balances as the venue states them, to reconcile with.",
    (
        _WHEN,
        _ACCOUNT,
        _CURRENCY,
        Field("wallet_balance", _D, "All units of the account together.", money=True),
    ),
    ("account_id", "currency", "ts"),
    states=True,
)
VENUE_FUND_BALANCES = Dataset(
    "venue_fund_balances",
    True,
    "Insurance fund balances as the venue states them.",
    (_WHEN, _CURRENCY, Field("balance", _D, "After the movements up to and with ts.", money=True)),
    ("currency", "ts"),
    states=True,
)
VENUE_LIQUIDATIONS = Dataset(
    "venue_liquidations",
    True,
    "Liquidations as the venue publishes them.",
    (
        _WHEN,
        _ACCOUNT,
        _CURRENCY,
        Field("notional", _D, "Notional liquidated, at the mark.", money=True),
        Field("account_value", _D, "Account value at the mark.", money=True),
    ),
    ("account_id", "currency", "ts"),
)

# In the order in which they are loaded: later ones refer to earlier ones.
DATASETS = {
    d.name: d
    for d in (
        CURRENCIES,
        INSTRUMENTS,
        ACCOUNTS,
        MARGIN_TIERS,
        TRANSFERS,
        FILLS,
        TICKS,
        FUNDING,
        FUND_MOVEMENTS,
        VENUE_ACCOUNT_BALANCES,
        VENUE_FUND_BALANCES,
        VENUE_LIQUIDATIONS,
    )
}
REFERENCE = tuple(d for d in DATASETS.values() if not d.dated)
DATED = tuple(d for d in DATASETS.values() if d.dated)
