"""The tables of ended liquidation episodes, from ledger units to decimals."""

from lossledger.jobs.attribute.books import Books, in_money
from lossledger.schemas.attribution import LIQUIDATION_POSITIONS, LIQUIDATIONS, LOSS_COMPONENTS_TABLE
from lossledger.schemas.ledger import COMPONENTS, EPISODES
from lossledger.schemas.ledger import LIQUIDATION_POSITIONS as EPISODE_POSITIONS

_EPISODES = f"""
    select episode_id, account_id, currency, isolation, triggered_at, first_execution_at, ended_at, end_reason,
        trigger, execution, {in_money("equity_at_trigger", "maintenance_margin_at_trigger", "terminal_equity")},
        {in_money("liquidation_fees", "surplus", "deficit")}
    from episodes join currencies using (currency)
"""
_COMPONENTS = f"""
    select episode_id, component, instrument_id, {in_money("amount")}
    from components join currencies using (currency)
"""
_POSITIONS = f"""
    select episode_id, instrument_id, quantity, mark as mark_price, liquidation_fills, filled_quantity,
        {in_money("entry_value", "maintenance_margin", "filled_value")}
    from episode_positions join currencies using (currency)
"""


def write_liquidations(books: Books) -> None:
    """Stage liquidations, loss_components and liquidation_positions."""
    books.write(LIQUIDATIONS, _EPISODES, of=EPISODES)
    books.write(LOSS_COMPONENTS_TABLE, _COMPONENTS, of=COMPONENTS)
    books.write(LIQUIDATION_POSITIONS, _POSITIONS, of=EPISODE_POSITIONS)
