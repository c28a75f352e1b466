"""The arrays that go in and out: names for everything, int64 throughout.

A field whose name stands in `kernel.words.AMOUNTS` is an amount, and has two words where a unit needs them.

Units: `lots` are quantities and prices on the instrument's own exact grid (`Grid`), amounts are ledger units, times
microseconds UTC. Instruments, units and accounts are numbers: indices into the tables given with them.
"""

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# In the second version of the compiled functions an amount has 128 bits (kernel/amounts.py), in a column two words.
Amount = Annotated[int, "amount"]
Amounts = Annotated[NDArray[Any], "amounts"]
Ints = NDArray[np.int64]
Frozen = Annotated[NDArray[np.int64], "read-only"]
Rows = NDArray[Any]  # a structured array of one of the types below

NEVER = 1 << 62  # no such time: later than all data
NONE = -(1 << 62)  # no such time: before all data
WATCHED = 1 << 61  # lots that are added up in an episode stay below it, or the unit is refused

NORMAL, LIQUIDATION, ADL, LIQUIDATION_MET_BY_ADL = range(4)  # kinds of fills; settlement is normal
MARGIN, RECORDED_FILL = range(2)  # triggers
OPEN, FLAT, SELF_CLOSED, RECOVERED = range(4)  # how an episode stands
CAUSE_LIQUIDATION, CAUSE_TRADING, CAUSE_TRANSFER = range(3)  # of negative-balance events
FEE, SURPLUS = range(2)  # movements into the fund
DONE, REFUSED, NO_ROOM = range(3)  # what a step says
# Causes that an instrument has, and those that have none (rules.md section 12).
LATENCY, MARKET_MOVE, EXECUTION, BY_ADL, FEES, FUNDING, ACCOUNT_TRADING = range(7)
CUSHION, HEADROOM, GAP_IN_CUSHION, GAP_PAST_BANKRUPTCY, OTHER_FLOWS = range(7, 12)


def _row(*names: str) -> np.dtype[Any]:
    return np.dtype([(name, np.int64) for name in names])


INSTRUMENT = np.dtype(
    [
        *((name, np.int64) for name in ("supported", "direction")),
        # V = q × price × factor / other, inverse q × other / (price × factor); prices up to price_limit fit
        *((name, np.int64) for name in ("factor", "other", "price_limit")),
        *(
            (name, np.int64)
            for name in ("opening_mark", "tick_from", "tick_to", "timeline", "level_from", "levels")
        ),
        *((name, np.int64) for name in ("funding_from", "funding_to", "size_from", "size_to")),
        *((name, np.int64) for name in ("table_from", "table_to")),
        # the prices that give the largest value: of all marks and funding prices, and of simulated closings
        *((name, np.int64) for name in ("largest_at", "largest_closing_at", "funding_rates")),
    ]
)
FUNDING_EVENT = _row("ts", "rate_e18", "price")
TICK_SIZE = _row("valid_from", "size")
TABLE = _row("valid_from", "tier_from", "tier_to")
# MM = whole + ceil(((n − floor) × rate + rest) / denominator); up to `small` the product fits into 63 bits
TIER = _row("floor", "rate", "whole", "rest", "denominator", "small")
TERMS = _row(
    "valid_from",
    "lte",
    "simulated",
    "latency_us",
    "slippage_e18",
    "fee_rate_e18",
    "fee_to_fund",
    "surplus_to_fund",
)
ACCOUNT = _row("house", "version_from", "version_to")
VERSION = _row("valid_from", "protected", "client_class")
UNIT = _row(
    *("account", "wallet", "debt", "unrealised", "charge", "charge_at", "refused"),
    # an episode open from an earlier session, and when its first execution was (NONE: there was none yet)
    *("carried", "triggered_at", "first_execution_at"),
    *("position_from", "position_to", "transfer_from", "transfer_to", "fill_from", "fill_to"),
    *("snapshot_from", "snapshot_to"),
)
POSITION = _row("instrument", "lots", "entry_value")

# What is going on in a unit, and in one instrument of it.
STATE = _row(
    *(
        "wallet",
        "debt",
        "new_debt",
        "recovered",
        "active",
        "cursor",
        "terms",
        "slots",
        "held",
        "bound",
        "horizon",
        "ahead",
    ),
    *("charge_at", "transfer_from", "fill_from", "snapshot_from"),
    *(
        "transfers",
        "realised_pnl",
        "fees",
        "funding",
        "negative_balance_reset",
        "surplus_forfeited",
        "charged",
    ),
    *("episode", "carried", "triggered_at", "started_before", "trigger", "simulated", "equity", "margin"),
    *("first_execution_at", "liquidation_fees", "other_flows", "flowed", "unfit"),
    *("steps", "last_step_at"),  # of a simulated liquidation, in this session
    # what is told at instants (kernel/changes.py)
    *("untold", "instant", "told_wallet"),
)
SLOT = np.dtype(
    [
        *((name, np.int64) for name in ("instrument", "lots", "entry_value", "place", "next_funding")),
        *((name, np.int64) for name in ("low_mark", "high_mark", "known_to", "bound")),
        *((name, np.int64) for name in ("funding", "funding_events")),
        *((name, np.int64) for name in ("noted", "noted_tick", "seen", "held_at_start", "start_lots")),
        *((name, np.int64) for name in ("start_entry_value", "start_mark", "start_margin")),
        *((name, np.int64) for name in ("liquidation_fills", "liquidated", "filled", "filled_value")),
        ("causes", np.int64, 7),
        # what the proof of head-room finds
        *(
            (name, np.int64)
            for name in ("walked_lots", "highest_lots", "lowest_lots", "most_lots", "dearest")
        ),
        *((name, np.int64) for name in ("told_lots", "told_entry_value")),
        # where a search stands
        *((name, np.int64) for name in ("scan", "scan_to", "term")),
    ]
)

# One row, as the compiled code sees it.
Instrument = Annotated[Any, INSTRUMENT]
Terms = Annotated[Any, TERMS]
Unit = Annotated[Any, UNIT]
State = Annotated[Any, STATE]
Slot = Annotated[Any, SLOT]

UNIT_ROW = _row(
    *("unit", "active", "opening_wallet", "transfers", "realised_pnl", "fees", "funding"),
    *("negative_balance_reset", "surplus_forfeited", "socialised_charge", "closing_wallet"),
    *("opening_unrealised", "closing_unrealised", "opening_debt", "new_debt", "recovered", "closing_debt"),
)
POSITION_ROW = _row("unit", "instrument", "lots", "entry_value", "mark")  # mark 0: none
# `carried`: it began in an earlier session. Its rows are what this session adds to what was carried on, zeros included,
# without what was known at its trigger.
EPISODE_ROW = _row(
    *(
        "unit",
        "carried",
        "triggered_at",
        "first_execution_at",
        "ended_at",
        "end_reason",
        "trigger",
        "simulated",
        "equity",
    ),
    *("margin", "terminal_equity", "liquidation_fees", "surplus", "deficit", "steps", "last_step_at"),
)
COMPONENT_ROW = _row("episode", "component", "instrument", "amount")  # instrument -1: none
EPISODE_POSITION_ROW = _row(
    *("episode", "instrument", "held_at_start", "lots", "entry_value", "mark", "margin"),
    *("liquidation_fills", "liquidated", "filled", "filled_value"),  # liquidated is signed, filled is not
)
DEFICIT_ROW = _row(
    "unit", "ts", "client_class", "cause", "episode", "protected", "session_transfers", "deficit"
)
MOVEMENT_ROW = _row("unit", "ts", "kind", "instrument", "fill", "episode", "amount")  # -1: none
ADL_ROW = _row("unit", "fill", "mark", "amount")
FUNDING_ROW = _row("unit", "instrument", "amount", "events")
SNAPSHOT_ROW = _row(
    "unit", "ts", "wallet", "equity", "instrument", "lots", "entry_value", "value", "unrealised", "mark"
)
# A position at an asked-for instant, of those that have changed since the unit was told of; instrument -1: none has.
CHANGE_ROW = _row("unit", "ts", "instrument", "lots", "entry_value", "wallet")
# A position that can be in a queue at an instant (kernel/states.py).
CANDIDATE = _row("place", "value", "unrealised", "equity")


class Market(NamedTuple):
    """What all units share. Ticks of an instrument stand together in order of time; bid and ask 0: none."""

    instruments: Annotated[Rows, INSTRUMENT]
    tick_ts: Ints
    mark: Ints
    bid: Ints
    ask: Ints
    lowest: Ints  # of blocks of marks, see kernel/blocks.py
    highest: Ints
    levels: Ints
    funding: Annotated[Rows, FUNDING_EVENT]
    sizes: Annotated[Rows, TICK_SIZE]
    tables: Annotated[Rows, TABLE]
    tiers: Annotated[Rows, TIER]
    terms: Annotated[Rows, TERMS]  # of the policy; the first is valid from NONE


class Bucket(NamedTuple):
    """Units and what happens to them; `start` = S, or a time before all events on the first date.

    Transfers, fills, positions and snapshots of a unit stand together (`UNIT` says where), each in the order of
    time and then of the id as text. `fill_lots` is signed: positive when the account bought.
    """

    start: int
    accounts: Annotated[Rows, ACCOUNT]
    versions: Annotated[Rows, VERSION]
    units: Annotated[Rows, UNIT]
    positions: Annotated[Rows, POSITION]
    transfer_ts: Ints
    transfer_amount: Amounts
    fill_ts: Ints
    fill_instrument: Ints
    fill_lots: Ints
    fill_price: Ints
    fill_fee: Amounts
    fill_kind: Ints
    snapshot_ts: Ints
    instants: Ints  # rising, of all units: what changes between them is told


class Rest(NamedTuple):
    """Room for one unit's work: the state, the instruments it met, which of them are held, where they are."""

    state: Annotated[Rows, STATE]
    slots: Annotated[Rows, SLOT]
    held: Ints
    place_of: Ints  # slot of an instrument, -1 when the unit has not met it
    stack: Ints


class Out(NamedTuple):
    """The rows of the replay, and of each table how many there are."""

    units: Annotated[Rows, UNIT_ROW]
    positions: Annotated[Rows, POSITION_ROW]
    episodes: Annotated[Rows, EPISODE_ROW]
    components: Annotated[Rows, COMPONENT_ROW]
    episode_positions: Annotated[Rows, EPISODE_POSITION_ROW]
    deficits: Annotated[Rows, DEFICIT_ROW]
    movements: Annotated[Rows, MOVEMENT_ROW]
    adl_losses: Annotated[Rows, ADL_ROW]
    funding: Annotated[Rows, FUNDING_ROW]
    snapshots: Annotated[Rows, SNAPSHOT_ROW]
    changes: Annotated[Rows, CHANGE_ROW]
    counts: Ints


(
    UNITS,
    POSITIONS,
    EPISODES,
    COMPONENTS,
    EPISODE_POSITIONS,
    DEFICITS,
    MOVEMENTS,
    ADL_LOSSES,
    FUNDINGS,
    SNAPSHOTS,
    CHANGES,
) = range(11)
ROW_TYPES = {
    "units": UNIT_ROW,
    "positions": POSITION_ROW,
    "episodes": EPISODE_ROW,
    "components": COMPONENT_ROW,
    "episode_positions": EPISODE_POSITION_ROW,
    "deficits": DEFICIT_ROW,
    "movements": MOVEMENT_ROW,
    "adl_losses": ADL_ROW,
    "funding": FUNDING_ROW,
    "snapshots": SNAPSHOT_ROW,
    "changes": CHANGE_ROW,
}
