"""Positions taken over on the fund's account: what they made and lost, what is held, and the balance with it (B, E, F).

Nothing of it is shown where a range has no takeover.
"""

from collections import defaultdict

from lossledger.readers.document.model import TableBlock, TableColumn
from lossledger.readers.document.values import Amount, Cell, Time
from lossledger.readers.published_rows import Row, rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.schemas import attribution

CAUSE = "takeover"
_CLOSINGS = ("attribution.takeovers",)
_HELD = ("attribution.takeover_inventory",)
_PARTS = ("at_takeover", "market_move", "execution")
_FUND = ("takeover_gains", "takeover_funding")


def has_takeover(facts: Facts) -> bool:
    """Whether anything was taken over, held or settled in the range."""
    if facts.rows.rows(attribution.TAKEOVERS) or facts.rows.rows(attribution.TAKEOVER_INVENTORY):
        return True
    return any(row[name] for row in facts.rows.rows(attribution.INSURANCE_FUND_DAILY) for name in _FUND)


def fund_result(facts: Facts) -> list[TableBlock]:
    """B: what the fund made of lots in each session, and its balance with the lots that it holds."""
    if not has_takeover(facts):
        return []
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        (fund,) = rows_where(facts.rows.rows(attribution.INSURANCE_FUND_DAILY), **facts.same(day, currency))
        held = rows_where(facts.rows.rows(attribution.TAKEOVER_INVENTORY), **facts.same(day, currency))
        made = fund["takeover_gains"] - losses["takeover_deficit"] + fund["takeover_funding"]
        unrealised = sum(row["unrealised_result"] or 0 for row in held)
        amounts = (fund["takeover_gains"], -losses["takeover_deficit"], fund["takeover_funding"], made)
        worth = (fund["closing"], unrealised, fund["closing"] + unrealised)
        unmarked = sum(row["mark_price"] is None for row in held)
        flows, state = ([facts.amount(n, currency) for n in part] for part in (amounts, worth))
        rows.append((day, currency, *flows, len(held), *state, unmarked))
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("gains", "gains", "Of closings with a gain, fees paid; into the fund.", True),
        TableColumn("losses", "losses", "Of closings with a loss: covered deficits of cause takeover.", True),
        TableColumn("funding", "funding", "Received on the positions held; negative when paid.", True),
        TableColumn("result", "= result", "What the fund made of it; not all of a loss is drawn.", True),
        TableColumn("open_lots", "open lots", "At the end of the session.", True),
        TableColumn("closing", "balance", "Of the fund at the end.", True),
        TableColumn("unrealised", "+ unrealised", "Of the open lots at the last marks, before fees.", True),
        TableColumn("solvency", "= solvency", "The balance with the open lots.", True),
        TableColumn("unmarked", "without a mark", "Open lots that have none, and count 0.", True),
    )
    source = (*_CLOSINGS, *_HELD, "attribution.insurance_fund_daily", "attribution.session_losses")
    title = "The fund's result from positions taken over, and its solvency"
    return [TableBlock("fund_takeovers", title, columns, tuple(rows), source, 2)]


def inventory(facts: Facts) -> list[TableBlock]:
    """B: what the fund holds at the end of the last session, lot by lot."""
    last = facts.days[-1]
    held = rows_where(facts.rows.rows(attribution.TAKEOVER_INVENTORY), business_date=last)
    if not held:
        return []
    rows = tuple(
        (row["lot_id"], row["account_id"], row["from_account_id"] or "unknown", row["currency"], row["instrument_id"],
         Amount(row["quantity"]), Time(row["opened_at"]), facts.amount(row["open_value"], row["currency"]),
         facts.optional(row["unrealised_result"], row["currency"], "there is no mark"))
        for row in sorted(held, key=lambda row: (row["currency"], row["unrealised_result"] or 0, row["lot_id"]))
    )  # fmt: skip
    columns = (
        TableColumn("lot_id", "lot"),
        TableColumn("account_id", "liquidator"),
        TableColumn("from_account_id", "taken from"),
        TableColumn("currency", "currency"),
        TableColumn("instrument_id", "contract"),
        TableColumn("quantity", "quantity", "Signed.", True),
        TableColumn("opened_at", "taken over, UTC"),
        TableColumn("open_value", "open value", "The value at which it was taken over.", True),
        TableColumn("unrealised", "unrealised", "At the last mark, before fees.", True),
    )
    title = f"What the fund holds at the end of {last}, the largest losses first"
    return [TableBlock("fund_inventory", title, columns, rows, _HELD, 1, "", 20)]


def by_contract(facts: Facts) -> list[TableBlock]:
    """E: the closings of lots by contract, with what led to their results."""
    found: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in facts.rows.rows(attribution.TAKEOVERS):
        found[row["currency"], row["instrument_id"]].append(row)
    if not found:
        return []
    rows: list[tuple[Cell, ...]] = []
    for (currency, instrument_id), closings in sorted(found.items()):
        known = [row for row in closings if row["at_takeover"] is not None]
        parts = [facts.amount(sum_column(known, name), currency) for name in _PARTS]
        gains = sum(max(0, row["result"]) for row in closings)
        losses = sum(min(0, row["result"]) for row in closings)
        unknown = sum_column(closings, "result") - sum(
            sum(row[name] for name in _PARTS) - row["fees"] for row in known
        )
        unknown += sum_column([row for row in closings if row["at_takeover"] is None], "fees")
        by_adl = sum(row["closed_by"] == "adl" for row in closings)
        rest = (sum_column(closings, "fees"), unknown, gains, losses, gains + losses)
        amounts = (facts.amount(amount, currency) for amount in rest)
        rows.append((currency, instrument_id, len(closings), by_adl, *parts, *amounts))
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("instrument_id", "contract"),
        TableColumn("closings", "closings", "Of lots, or of parts of them.", True),
        TableColumn("by_adl", "by ADL", "Closings against which somebody was deleveraged.", True),
        TableColumn("at_takeover", "at takeover", "The value at the mark less that of the takeover.", True),
        TableColumn("market_move", "+ market", "What the marks moved while it was held.", True),
        TableColumn("execution", "+ execution", "The closing's value less that at the mark.", True),
        TableColumn("fees", "− fees", "Of opening and closing.", True),
        TableColumn("unmarked", "+ without marks", "Results, before fees, of closings without a mark.", True),
        TableColumn("gains", "gains", "Of closings with a gain.", True),
        TableColumn("losses", "losses", "Of closings with a loss.", True),
        TableColumn("result", "= result", "What the fund made of it.", True),
    )
    return [TableBlock("takeovers", "Positions taken over, by contract", columns, tuple(rows), _CLOSINGS, 2)]


def losses(facts: Facts) -> list[TableBlock]:
    """F: of the covered deficits, those of lots: whose loss it is and what the fund paid."""
    if not has_takeover(facts):
        return []
    rows: list[tuple[Cell, ...]] = []
    for day, currency, session in facts.sessions():
        mine = rows_where(
            facts.rows.rows(attribution.NEGATIVE_BALANCES), **facts.same(day, currency), cause=CAUSE
        )
        amounts = (
            session["takeover_deficit"],
            sum_column(mine, "fund_draw"),
            sum_column(mine, "shortfall"),
            session["deficit"] - session["takeover_deficit"],
        )
        rows.append((day, currency, len(mine), *(facts.amount(amount, currency) for amount in amounts)))
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("events", "losses", "Closings with a loss.", True),
        TableColumn("deficit", "deficit of lots", "Of cause takeover.", True),
        TableColumn("fund_draw", "paid by the fund", "", True),
        TableColumn("shortfall", "left short", "Shared with the other shortfalls.", True),
        TableColumn("others", "of accounts", "All other covered deficits.", True),
    )
    source = ("attribution.negative_balances", "attribution.session_losses")
    title = "Covered deficits of positions taken over, and of accounts"
    return [TableBlock("takeover_deficits", title, columns, tuple(rows), source, 2)]
