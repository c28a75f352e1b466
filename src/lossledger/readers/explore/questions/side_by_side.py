"""Joins the answers of two sides: published tables and a scenario, or a date before and after a restatement."""

from collections.abc import Sequence
from datetime import date

from lossledger.engine.figures import plain
from lossledger.readers.explore.questions.question import Answer, Question, day
from lossledger.readers.query.query_result import pad_decimals

_TOTALS = ("deficit", "fund_draw", "shortfall", "socialised", "uncovered", "fund_closing")


def totals(first: date, last: date) -> Question:
    """Losses and the fund, a row a date and currency."""
    return Question(
        "Losses date by date",
        f"""\
SELECT business_date, currency, deficit, fund_draw, shortfall, socialised, uncovered, closing AS fund_closing
FROM session_losses JOIN insurance_fund_daily USING (business_date, currency)
WHERE business_date BETWEEN {day(first)} AND {day(last)}
ORDER BY business_date, currency""",
    )


def charged(first: date, last: date) -> Question:
    return Question(
        "Charges of each account over these dates",
        f"""\
SELECT account_id, currency, sum(charge) AS charged
FROM socialised_losses
WHERE business_date BETWEEN {day(first)} AND {day(last)}
GROUP BY account_id, currency
ORDER BY account_id, currency""",
    )


def differences(left: Answer, right: Answer, names: tuple[str, str], scales: dict[str, int]) -> Answer:
    """A row for each amount that differs: key, what, left, right, right − left; the largest difference first.

    The rows of both are keyed by all columns that are no decimals; a row that a side has not counts as 0.
    """
    keys = [n for n, kind in zip(left.names, left.kinds, strict=True) if not kind.startswith("DECIMAL")]
    of_amounts = [n for n in left.names if n not in keys]
    sides = [_by_key(answer, keys, of_amounts) for answer in (left, right)]
    found = []
    for key in sorted(set(sides[0]) | set(sides[1])):
        scale = scales[key[keys.index("currency")]]
        for n, what in enumerate(of_amounts):
            a, b = (side.get(key, [0] * len(of_amounts))[n] for side in sides)
            if a != b:
                found.append(
                    (
                        abs(b - a),
                        [*key, what, *(pad_decimals(plain(value), scale) for value in (a, b, b - a))],
                    )
                )
    found.sort(key=lambda one: -one[0])
    head = [*keys, "what", *names, "difference"]
    kinds = ["VARCHAR"] * (len(keys) + 1) + ["DECIMAL(38,18)"] * 3
    return Answer("What differs, the largest difference first", "", head, kinds, [row for _, row in found])


def _by_key(answer: Answer, keys: Sequence[str], names: Sequence[str]) -> dict[tuple[str, ...], list[int]]:
    keyed = zip(*(answer.column(name) for name in keys), strict=True)
    amounts = zip(*(answer.amounts(name) for name in names), strict=True)
    return {key: list(row) for key, row in zip(keyed, amounts, strict=True)}


def sum_totals(answer: Answer, currency: str) -> dict[str, int]:
    """Totals of a currency over the dates; of the fund the last date's balance. In 10^-18."""
    rows = [n for n, c in enumerate(answer.column("currency")) if c == currency]
    result = {}
    for name in _TOTALS:
        amounts = [answer.amounts(name)[n] for n in rows]
        result[name] = (amounts[-1] if amounts else 0) if name == "fund_closing" else sum(amounts)
    return result
