"""The page's account of why balances fell below zero, for covered and for uncovered deficits apart."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from engine.figures import exact
from readers.page.charts import Bar, Part, bar_chart, legend
from readers.page.data import PublishedRows, Row, of, total
from readers.page.html import heading, paragraph, section
from schemas import attribution

_CAUSES = {
    "cushion": "maintenance margin at the trigger",
    "headroom": "equity above it when the venue acted",
    "gap_in_cushion": "the mark's jump from trigger to bankruptcy",
    "gap_past_bankruptcy": "the mark's jump past bankruptcy",
    "latency": "marks before the first liquidation fill",
    "market_move": "marks after the first liquidation fill",
    "execution": "liquidation fills off the mark",
    "adl": "liquidation fills taken over by deleveraged accounts, off the mark",
    "fees": "fees of all fills",
    "funding": "funding paid or received",
    "account_trading": "the account's own fills",
    "other_flows": "transfers and charges",
}
# Whether covered; what such deficits are called; their column of session_losses.
_KINDS = ((True, "covered deficits", "deficit"), (False, "deficits without cover", "unprotected_deficit"))
_UNIT = ("business_date", "account_id", "currency", "isolation")
_Key = tuple[object, ...]


def causes(rows: PublishedRows) -> str:
    """Components of all episodes with a deficit; what made it larger and what made it smaller side by side."""
    parts = [
        paragraph(
            "Every change of equity from the trigger to the end of a liquidation belongs to one cause. To the "
            "right what enlarged the deficits, to the left what reduced them; the bars add up exactly. They are "
            "valuations along the path that was taken: what a faster or better liquidation would have saved is "
            "a scenario, not a bar. Covered deficits were paid by the fund and by other accounts; those without "
            "cover became debts of the accounts themselves and were paid by nobody."
        ),
        legend((("out", "enlarged the deficits"), ("in", "reduced them"), ("level", "deficits"))),
    ]
    for currency in rows.currencies():
        for covered, name, column in _KINDS:
            parts += _chart(rows, currency, covered, name, column)
    return section("causes", "Why balances fell below zero", *parts)


def _chart(rows: PublishedRows, currency: str, covered: bool, name: str, column: str) -> list[str]:
    events = {_at(e, "ts"): e for e in of(rows.rows(attribution.NEGATIVE_BALANCES), currency=currency)}
    ended = [e for e in of(rows.rows(attribution.LIQUIDATIONS), currency=currency) if e["deficit"] > 0]
    mine = {_at(e, "ended_at"): e for e in ended if _covered(e, events) == covered}
    if not mine:
        return []
    scale, episodes = rows.scales()[currency], list(mine.values())
    bars = _bars(rows, episodes, scale)
    whole, deficit = sum(bar.parts[0].end for bar in bars), total(episodes, "deficit")
    bars.append(Bar("deficits", [Part(0, deficit, "level")], exact(deficit, scale), strong=True))
    told = f"Sum of the causes {exact(whole, scale)}, deficits {exact(deficit, scale)}: "
    told += f"{_equal(whole, deficit, scale)} "
    of_kind = {key: event for key, event in events.items() if event["protected"] == covered}
    before = deficit - sum(event["deficit"] for key, event in of_kind.items() if key in mine)
    others = sum(event["deficit"] for key, event in of_kind.items() if key not in mine)
    if before:
        told += f"Less {exact(before, scale)} that the accounts owed from before. "
    if others:
        told += f"Plus {exact(others, scale)} below zero without such a liquidation. "
    stated = total(of(rows.rows(attribution.SESSION_LOSSES), currency=currency), column)
    result = deficit - before + others
    told += f"The sessions have {exact(stated, scale)} of {name}: {_equal(result, stated, scale)}"
    chart = f'<div class="wide">{bar_chart(bars, unit=currency)}</div>'
    return [heading(f"{currency}, {name}: {len(episodes):,} episodes"), chart, paragraph(told, "soft")]


def _at(row: Row, instant: str) -> _Key:
    """What an episode and its event have in common: the unit, and the time."""
    return (*(row[name] for name in _UNIT), row[instant])


def _covered(episode: Row, events: Mapping[_Key, Row]) -> bool:
    """Whether the account's protection took the deficit over; where it is all debt from before there is no event."""
    event = events.get(_at(episode, "ended_at"))
    return event is not None and event["protected"]


def _bars(rows: PublishedRows, episodes: Sequence[Row], scale: int) -> list[Bar]:
    """A bar for what a cause added and one for what it took, the largest first."""
    known = {(row["business_date"], row["episode_id"]) for row in episodes}
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in rows.rows(attribution.LOSS_COMPONENTS_TABLE):
        if (row["business_date"], row["episode_id"]) in known:
            sums[row["component"], "out" if row["amount"] > 0 else "in"] += row["amount"]
    bars = [
        Bar(cause, [Part(0, sums[cause, kind], kind)], exact(sums[cause, kind], scale), meaning)
        for cause, meaning in _CAUSES.items()
        for kind in ("out", "in")
        if sums[cause, kind]
    ]
    return sorted(bars, key=lambda bar: -bar.parts[0].end)


def _equal(left: int, right: int, scale: int) -> str:
    return "equal." if left == right else f"they differ by {exact(left - right, scale)}."
