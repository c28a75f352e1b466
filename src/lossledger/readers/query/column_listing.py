"""Lists tables and columns with their meaning, from the declarations in schemas."""

from collections.abc import Iterator

from lossledger.engine.figures import text_table
from lossledger.readers.published.published_files import EVENTS, SHOWN
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.schemas.core import BUSINESS_DATE


def listing_lines(tables: PublishedTables) -> Iterator[str]:
    """The published dates, then each table with its grain and columns."""
    days = tables.days
    yield f"published  {len(days)} dates, {days[0]} to {days[-1]}" if days else "published  no date yet"
    yield 'query      lossledger query --warehouse … "SELECT … FROM session_losses"'
    for name, table in SHOWN.items():
        yield ""
        yield f"{name}  one row: {table.grain}"
        columns = ((BUSINESS_DATE,) if table in EVENTS else ()) + table.columns
        yield from (
            f"  {line}"
            for line in text_table(
                [
                    [c.name, c.type.value, c.unit or "-", c.doc + (" May be empty." if c.nullable else "")]
                    for c in columns
                ],
                left=4,
            )
        )
