"""The states of a currency's units in Python's integers: of small days, and of numbers beyond 63 bits."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pyarrow as pa

from lossledger.engine.events import Market
from lossledger.engine.rows import NegativeBalance, Snapshot
from lossledger.jobs.attribute.by_event.states import States
from lossledger.store.arrow import plain_rows

Row = Sequence[int]


class PlainStates:
    """What units hold after the changes that have been taken."""

    def __init__(self, states: States, market: Market, instruments: Sequence[str]) -> None:
        self._states, self._market, self._instruments = states, market, instruments
        self._wallets: defaultdict[int, int] = defaultdict(int)
        self._of_unit: defaultdict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
        self._holders: defaultdict[str, set[int]] = defaultdict(set)

    def window(self, changes: pa.Table) -> Sequence[Row]:
        """Rows of `States.windows` as they are taken."""
        return plain_rows(changes)

    def take(self, changes: Sequence[Row], first: int, after: int) -> None:
        for _, number, code, wallet, quantity_e18, entry_value in changes[first:after]:
            self._wallets[number] = wallet
            if code < 0:
                continue
            instrument_id = self._instruments[code]
            if quantity_e18:
                self._of_unit[number][instrument_id] = (quantity_e18, entry_value)
                self._holders[instrument_id].add(number)
            else:
                self._of_unit[number].pop(instrument_id, None)
                self._holders[instrument_id].discard(number)

    def seen(self, event: NegativeBalance, closed: Mapping[str, int]) -> list[Snapshot]:
        """All positions, after the event, in the instruments that were liquidated."""
        marks: dict[str, int | None] = {}
        return [
            self._snapshot(event, number, instrument_id, marks)
            for instrument_id in closed
            for number in sorted(self._holders[instrument_id])
        ]

    def _snapshot(
        self, event: NegativeBalance, number: int, instrument_id: str, marks: dict[str, int | None]
    ) -> Snapshot:
        equity, value, unrealised = self._wallets[number], 0, 0
        for name, (quantity_e18, entry_value) in self._of_unit[number].items():
            if name not in marks:
                marks[name] = self._market.mark_before(name, event.ts + 1)  # after the ticks of its time
            contract, mark_e18 = self._market.contracts[name], marks[name]
            worth = entry_value if mark_e18 is None else contract.value_units(abs(quantity_e18), mark_e18)
            gained = contract.pnl_units(1 if quantity_e18 > 0 else -1, worth, entry_value)
            equity += gained
            if name == instrument_id:
                value, unrealised = worth, gained
        account_id, isolation = (
            column[number].as_py() for column in (self._states.accounts, self._states.isolations)
        )
        held = self._of_unit[number][instrument_id]
        unit = (event.ts, account_id, event.currency, isolation, self._wallets[number], equity)
        return Snapshot._make((*unit, instrument_id, *held, value, unrealised, marks[instrument_id]))
