"""The breaks of a published date's reconciliations that are reported."""

from lossledger.engine.rules.breaks import VENUE_RULES, count_breaks
from lossledger.schemas.attribution import RECONCILIATION
from lossledger.store.arrow import to_rows
from lossledger.store.published_dates import PublishedDate
from lossledger.store.scenario_folders import is_scenario
from lossledger.store.warehouse import Warehouse


def published_breaks(warehouse: Warehouse, published: PublishedDate) -> dict[str, int]:
    """Rule to the number of breaks of a date; in a scenario without comparisons with what the venue published."""
    version = published.table_versions[RECONCILIATION.full_name]
    data = warehouse.read(RECONCILIATION, published.day, version=version)
    columns = ("rule", "key", "break", "tolerance")
    rows = (dict(zip(columns, row, strict=True)) for row in to_rows(RECONCILIATION, data, columns))
    return count_breaks(rows, VENUE_RULES if is_scenario(warehouse.root) else ())
