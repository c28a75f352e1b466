"""A: what the report is about and what it was made from; the policy in words and as a table."""

from readers.report.facts import Facts
from readers.report.model import Block, Cell, Column, Missing, Paragraph, Section, Table, Time
from schemas.ops import POLICIES

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
        ("Dates published of the period", len(facts.rows.days)),
        ("Dates missing", len(facts.missing)),
        ("Audience", request.audience),
        ("Data", request.data or not_stated),
        ("Currencies", ", ".join(facts.currencies) + " (each by itself; no conversion, so no exchange rate)"),
        ("Data cut-off: newest publication, UTC", Time(max(day.published_at for day in facts.rows.days))),
        ("Preparer, reviewer, approver", "in signatures.json, when it is signed (lossledger sign-report)"),
    ]
    columns = (Column("what", "what"), Column("value", "value"))
    about = Table("about", "This report", columns, tuple(pairs), _PUBLISHED)
    blocks: list[Block] = [about, _policy_words(facts), *_policy_table(facts), _dates(facts)]
    return Section("header", "A", "Header, policy and versions", tuple(blocks))


def _policy_words(facts: Facts) -> Paragraph:
    if not facts.policies:
        return Paragraph("The policy's text was not stored with these dates: not available.")
    newest = facts.policies[max(facts.policies)]
    told = [words[newest[key]] for key, words in _WORDS.items() if newest.get(key) in words]
    text = "The policy at the end of the period: " + "; ".join(told) + "."
    return Paragraph(text)


def _policy_table(facts: Facts) -> list[Block]:
    if not facts.policies:
        return []
    rows: list[tuple[Cell, ...]] = []
    before: dict[str, str] = {}
    found = facts.rows.rows(POLICIES)
    for row in sorted(found, key=lambda row: (row["business_date"], row["valid_from"], row["key"])):
        if before.get(row["key"]) != row["value"]:
            rows.append((Time(row["valid_from"]), row["key"], row["value"] or "none"))
        before[row["key"]] = row["value"]
    columns = (
        Column("since", "since, UTC", "The start of the first session, or when the key changed."),
        Column("key", "policy"),
        Column("value", "value"),
    )
    title = "The policy, and every change of it in the period"
    return [Table("policy", title, columns, tuple(rows), ("ops.policies",), key=2)]


def _dates(facts: Facts) -> Table:
    runs = facts.rows.runs()
    rows = tuple(
        (
            day.day,
            Time(day.start),
            Time(day.end),
            Time(day.published_at),
            day.run_id,
            runs[day.day]["rules_version"] if day.day in runs else Missing("no run was noted"),
            day.output_sha256,
            day.input_sha256,
        )
        for day in facts.rows.days
    )
    columns = (
        Column("business_date", "session"),
        Column("start", "start, UTC"),
        Column("end", "end, UTC"),
        Column("published_at", "published, UTC"),
        Column("run_id", "run"),
        Column("rules_version", "rules version"),
        Column("output_sha256", "output hash", "SHA-256 over all rows published for the date."),
        Column("input_sha256", "input hash", "SHA-256 over all that the date was computed from."),
    )
    note = "Table versions and the hash of each table are in manifest.json."
    return Table("dates", "Dates and what they were computed from", columns, rows, _PUBLISHED, note=note)
