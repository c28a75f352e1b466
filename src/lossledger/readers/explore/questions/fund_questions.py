"""The insurance fund over time, with its draws."""

from datetime import date

from lossledger.readers.explore.questions.question import Question, day, text


def currencies() -> Question:
    """The one with covered deficits in most sessions first."""
    return Question(
        "Currencies",
        """\
SELECT currency, count(*) FILTER (deficit > 0) AS sessions
FROM session_losses
GROUP BY currency
ORDER BY sessions DESC, currency""",
    )


def days(currency: str, first: date, last: date) -> Question:
    """One row per date: the fund's balances and the cost of the session's covered deficits."""
    return Question(
        f"The fund in {currency}, date by date",
        f"""\
SELECT business_date, currency, opening, external, liquidation_fees, surplus, draws, closing, lowest, draw_count,
       deficit, shortfall, socialised, uncovered
FROM insurance_fund_daily JOIN session_losses USING (business_date, currency)
WHERE currency = {text(currency)} AND {_between(first, last)}
ORDER BY business_date""",
    )


def draws(currency: str, first: date, last: date) -> Question:
    """The fund's payments, the largest first, with the shortfall that remained of each deficit."""
    return Question(
        f"What the fund paid in {currency}, the largest first",
        f"""\
SELECT draws.ts, draws.currency, -draws.amount AS paid, draws.balance AS balance_after, account_id, deficit, shortfall,
       event_id, draws.business_date
FROM insurance_fund_ledger AS draws JOIN negative_balances AS events
  ON events.event_id = draws.ref AND events.business_date = draws.business_date
WHERE draws.kind = 'draw' AND draws.currency = {text(currency)} AND {_between(first, last, "draws.")}
  AND {_between(first, last, "events.")}
ORDER BY paid DESC, draws.ts, event_id""",
    )


def movements(currency: str, first: date, last: date) -> Question:
    return Question(
        f"Movements of the fund in {currency}",
        f"""\
SELECT ts, currency, kind, amount, balance, ref, business_date
FROM insurance_fund_ledger
WHERE currency = {text(currency)} AND {_between(first, last)}
ORDER BY business_date, seq""",
    )


def _between(first: date, last: date, of: str = "") -> str:
    return f"{of}business_date BETWEEN {day(first)} AND {day(last)}"
