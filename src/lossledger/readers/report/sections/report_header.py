"""A: subject and sources of the report; the policy in words and as a table."""

import hashlib

from lossledger.readers.document.model import Block, Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing, Time
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.report_request import PUBLIC
from lossledger.schemas.ops import POLICIES

_PUBLISHED = ("ops.published_days",)
_UNSTATED = "the published tables do not have it"
_WORDS = {
    "trigger": {"lt": "an account is liquidated when equity is below maintenance margin",
                "lte": "an account is liquidated when equity is at or below maintenance margin"},
    "execution": {"recorded": "the venue's own liquidation fills are the execution",
                  "simulated": "liquidations are executed by the recomputation"},
    "liquidation_fee_to": {"fund": "liquidation fees go to the insurance fund",
                           "venue": "liquidation fees go to the venue"},
    "residual": {"to_account": "what is left after a liquidation stays with the account",
                 "to_fund": "what is left after a liquidation goes to the insurance fund"},
    "fund_draws": {"at_event": "the fund pays each deficit when it arises",
                   "at_session_end": "the fund pays all deficits of a session at its end"},
    "sharing": {"session_profit_prorata": "a shortfall is charged in proportion to the session's profit",
                "equity_prorata": "a shortfall is charged in proportion to equity",
                "none": "a shortfall is charged to nobody"},
}  # fmt: skip


def header(facts: Facts) -> Section:
    request = facts.request
    not_stated = Missing(_UNSTATED)
    pairs: list[tuple[str, Cell]] = [
        ("Venue", request.venue or not_stated),
        ("Legal entity and LEI", not_stated),
        ("Period", f"{request.first} to {request.last}"),
        ("Complete", _complete(facts)),
        ("Audience", request.audience),
        ("Data", request.data or not_stated),
        ("Currencies", ", ".join(facts.currencies) + " (each by itself; no conversion, so no exchange rate)"),
        ("Data cut-off: newest publication, UTC", Time(max(day.published_at for day in facts.rows.days))),
        ("Versions of the code and of every table", "in manifest.json"),
        *_place(facts),
        ("Preparer, reviewer, approver", "in signatures.json, when it is signed (lossledger sign-report)"),
    ]
    columns = (TableColumn("what", "what"), TableColumn("value", "value"))
    about = TableBlock("about", "This report", columns, tuple(pairs), _PUBLISHED)
    blocks: list[Block] = [about, _policy_words(facts), *_policy_table(facts), _dates(facts)]
    return Section("Header, policy and versions", blocks, "header", "A")


def _complete(facts: Facts) -> str:
    count, missing = len(facts.rows.days), len(facts.missing)
    if missing:
        return f"no: {missing:,} of {count + missing:,} dates are not published, and missing in every figure"
    return (
        f"yes: all {count:,} dates of the period are published" if count > 1 else "yes: its date is published"
    )


def _place(facts: Facts) -> list[tuple[str, Cell]]:
    """The report's id and predecessor; without clock or counter, so that equal versions give an equal report."""
    previous, request = facts.request.previous, facts.request
    # to the public nothing that a hash of rows goes into: a held-back cell could be guessed until it comes out
    public = request.audience == PUBLIC
    rows = "".join(day.run_id if public else day.output_sha256 for day in facts.rows.days)
    text = f"{request.first} {request.last} {request.audience} {rows}"
    found: list[tuple[str, Cell]] = [("Report id", hashlib.sha256(text.encode()).hexdigest()[:16])]
    if previous is None:
        return [*found, ("The report before it", Missing("none was named"))]
    same = (previous.first, previous.last, previous.audience) == (
        request.first,
        request.last,
        request.audience,
    )
    parts = f"{'supersedes' if same else 'follows'} that of {previous.first} to {previous.last}, {previous.audience}"
    parts += f", content {previous.content_sha256}" if previous.content_sha256 else ""
    return [*found, ("The report before it", parts)]


def _policy_words(facts: Facts) -> Paragraph:
    if not facts.policies:
        return Paragraph("The policy's text was not stored with these dates: not available.")
    newest = facts.policies[max(facts.policies)]
    parts = [words[newest[key]] for key, words in _WORDS.items() if newest.get(key) in words]
    text = "The policy at the end of the period: " + "; ".join(parts) + "."
    return Paragraph(text)


def _policy_table(facts: Facts) -> list[Block]:
    """Every key at the start of the period, and its changes. The first date of a warehouse has rows from before."""
    if not facts.policies:
        return []
    rows: list[tuple[Cell, ...]] = []
    found, start = facts.rows.rows(POLICIES), facts.rows.days[0].start
    at_start = {row["key"]: row["value"] for row in found if row["valid_from"] == start}
    before: dict[str, str] = {}
    for row in sorted(found, key=lambda row: (row["business_date"], row["valid_from"], row["key"])):
        key, since = row["key"], row["valid_from"]
        if since < start and row["value"] == at_start[key]:
            continue
        if before.get(key) != row["value"]:
            rows.append((_since(since, start), key, row["value"] or "none"))
        before[key] = row["value"]
    columns = (
        TableColumn(
            "since",
            "since, UTC",
            "When the key changed in the period, or that it holds from its first session on.",
        ),
        TableColumn("key", "policy"),
        TableColumn("value", "value"),
    )
    title = "The policy, and every change of it in the period"
    return [TableBlock("policy", title, columns, tuple(rows), ("ops.policies",), key=2)]


def _since(moment: int, start: int) -> Cell:
    if moment == start:
        return "from the first session on"
    return Time(moment) if moment > 0 else "before the first session"


def _dates(facts: Facts) -> TableBlock:
    runs, public = facts.rows.runs(), facts.request.audience == PUBLIC
    rows = tuple(
        (
            day.day,
            Time(day.start),
            Time(day.end),
            Time(day.published_at),
            day.run_id,
            runs[day.day]["rules_version"] if day.day in runs else Missing("no run was noted"),
            *(() if public else (day.output_sha256, day.input_sha256)),
        )
        for day in facts.rows.days
    )
    hashes = (
        TableColumn("output_sha256", "output hash", "SHA-256 over all rows published for the date."),
        TableColumn("input_sha256", "input hash", "SHA-256 over all that the date was computed from."),
    )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("start", "start, UTC"),
        TableColumn("end", "end, UTC"),
        TableColumn("published_at", "published, UTC"),
        TableColumn("run_id", "run"),
        TableColumn("rules_version", "rules version"),
        *(() if public else hashes),
    )
    note = f"Table versions{'' if public else ' and the hash of each table'} are in manifest.json."
    return TableBlock("dates", "Dates and what they were computed from", columns, rows, _PUBLISHED, note=note)
