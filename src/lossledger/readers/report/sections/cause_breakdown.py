"""H: causes of deficits by session, by contract and by client class."""

from collections import defaultdict
from typing import Any

from lossledger.readers.document.model import TableBlock, TableColumn
from lossledger.readers.document.values import Cell
from lossledger.readers.report.facts import Facts
from lossledger.schemas import attribution

_SOURCE = ("attribution.loss_components", "attribution.liquidations", "attribution.account_daily")


def cut(facts: Facts) -> TableBlock:
    """Of all episodes with a deficit; each of the three cuts adds up to all causes, covered and not."""
    short = {
        (row["business_date"], row["episode_id"]): row
        for row in facts.rows.rows(attribution.LIQUIDATIONS)
        if row["deficit"] > 0
    }
    classes = _classes(facts)
    sums: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    for row in facts.rows.rows(attribution.LOSS_COMPONENTS_TABLE):
        episode = short.get((row["business_date"], row["episode_id"]))
        if episode:
            unit = tuple(episode[name] for name in ("business_date", "account_id", "currency", "isolation"))
            for by, name in (
                ("session", str(row["business_date"])),
                ("contract", row["instrument_id"] or "the unit as a whole"),
                ("client class", classes[unit]),
            ):
                sums[episode["currency"], by, name, row["component"]] += row["amount"]
    order = {name: place for place, name in enumerate(attribution.LOSS_COMPONENTS)}
    rows: list[tuple[Cell, ...]] = [
        (*key, facts.amount(amount, key[0]))
        for key, amount in sorted(sums.items(), key=lambda one: (*one[0][:3], order[one[0][3]]))
    ]
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("by", "by"),
        TableColumn("of", "of", "Client class: just before the end of the session."),
        TableColumn("component", "cause, as in the tables"),
        TableColumn("amount", "amount", "Positive enlarges the deficits.", True),
    )
    title = "The causes by session, contract and client class"
    return TableBlock("causes_by", title, columns, tuple(rows), _SOURCE, 4, shown=60)


def _classes(facts: Facts) -> dict[tuple[Any, ...], str]:
    names = ("business_date", "account_id", "currency", "isolation")
    return {
        tuple(row[name] for name in names): row["client_class"]
        for row in facts.rows.rows(attribution.ACCOUNT_DAILY)
    }
