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
SELECT business_date, currency, opening, external, liquidation_fees, surplus, takeover_gains, takeover_funding, draws,
       closing, lowest, draw_count, deficit, takeover_deficit, shortfall, socialised, uncovered
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


def taken_over(currency: str, first: date, last: date) -> Question:
    """What positions that were taken over made and lost, by date and contract, and what is held at the end of it."""
    return Question(
        f"Positions taken over in {currency}, by date and contract",
        f"""\
WITH closed AS (
    SELECT business_date, currency, instrument_id, count(*) AS closings, sum(greatest(result, 0)) AS gains,
           sum(least(result, 0)) AS losses, sum(at_takeover) AS at_takeover, sum(market_move) AS market_move,
           sum(execution) AS execution, sum(fees) AS fees
    FROM takeovers GROUP BY ALL
), held AS (
    SELECT business_date, currency, instrument_id, count(*) AS open_lots, sum(quantity) AS open_quantity,
           sum(unrealised_result) AS unrealised_result
    FROM takeover_inventory GROUP BY ALL
)
SELECT business_date, currency, instrument_id, closings, gains, losses, at_takeover, market_move, execution, fees,
       open_lots, open_quantity, unrealised_result
FROM closed FULL JOIN held USING (business_date, currency, instrument_id)
WHERE currency = {text(currency)} AND {_between(first, last)}
ORDER BY business_date, instrument_id""",
    )


def solvency(currency: str, first: date, last: date) -> Question:
    """The fund's balance beside what its open lots are worth more, or less, than they were taken over at."""
    return Question(
        f"The fund in {currency} with the positions that it holds",
        f"""\
SELECT business_date, d.currency, takeover_gains, -takeover_deficit AS takeover_losses, takeover_funding, closing,
       coalesce(unrealised, 0) AS unrealised_result, closing + coalesce(unrealised, 0) AS solvency,
       coalesce(unmarked, 0) AS lots_without_a_mark
FROM insurance_fund_daily d JOIN session_losses USING (business_date, currency) LEFT JOIN (
    SELECT business_date, currency, sum(unrealised_result) AS unrealised,
           count(*) FILTER (mark_price IS NULL) AS unmarked
    FROM takeover_inventory GROUP BY ALL
) USING (business_date, currency)
WHERE currency = {text(currency)} AND {_between(first, last)}
ORDER BY business_date""",
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
