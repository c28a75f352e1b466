"""What a group of accounts is given but for its fills."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lossledger.jobs.replay.lots import Lots
from lossledger.jobs.replay.names import Group
from lossledger.jobs.replay.prices import Prices
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.state import Carried
from lossledger.kernel.columns import Positions, States, Transfers
from lossledger.kernel.layout import Ints


class Given(NamedTuple):
    """What the units of a group start with, and what happens to them but their fills.

    `refused`: units with a row that is not on its grid. `instants`: when all units report what
    has changed. `lots`: recorded ones.
    """

    task: BucketTask
    group: Group
    prices: Prices
    state: Carried
    transfers: Transfers
    refused: Ints
    instants: Ints
    lots: Lots

    def without(self, accounts: Sequence[int]) -> "Given":
        """The same without some accounts, of which no episode is open."""
        places, state = len(self.group.directory.places), self.state

        def others(units: Ints) -> np.ndarray:
            return ~np.isin(units // places, accounts)

        mine = Carried(
            States(*(column[others(state.states.unit)] for column in state.states)),
            Positions(*(column[others(state.positions.unit)] for column in state.positions)),
            state.refused,
            state.episodes,
        )
        transfers = Transfers(*(column[others(self.transfers.unit)] for column in self.transfers))
        refused = self.refused[others(self.refused)]
        lots = self.lots.of_units(np.unique(self.lots.rows["unit"][others(self.lots.rows["unit"])]))
        return self._replace(state=mine, transfers=transfers, refused=refused, lots=lots)
