"""Questions about the payers of a session's shortfall under each compared rule."""

from collections.abc import Sequence
from datetime import date

from lossledger.readers.explore.questions.question import Question, day, text


def sessions() -> Question:
    """Sessions with a shortfall."""
    return Question(
        "Sessions with a shortfall",
        """\
SELECT business_date, currency, max(shortfall) AS shortfall, max(payers) AS payers
FROM rule_totals
GROUP BY business_date, currency
ORDER BY business_date DESC, payers DESC, currency""",
    )


def totals(of: date, currency: str) -> Question:
    """One row per rule, with the charges of the largest payer, the next nine, and all others."""
    return Question(
        "The rules side by side",
        f"""\
WITH ranked AS (
  SELECT rule, charge, row_number() OVER (PARTITION BY rule ORDER BY charge DESC, account_id) AS place
  FROM rule_comparison WHERE {_where(of, currency)}
), parts AS (
  SELECT rule, sum(charge) FILTER (place = 1) AS pays_most, sum(charge) FILTER (place BETWEEN 2 AND 10) AS next_nine,
         sum(charge) FILTER (place > 10) AS all_others
  FROM ranked GROUP BY rule
)
SELECT rule, currency, shortfall, charged, to_fund, uncovered, beyond_chargeable, payers, pays_most, next_nine,
       all_others
FROM rule_totals LEFT JOIN parts USING (rule)
WHERE {_where(of, currency)}
ORDER BY rule""",
    )


def accounts(of: date, currency: str, rules: Sequence[str]) -> Question:
    """One row per account, one column per rule, ordered by the account's largest charge."""
    columns = ",\n       ".join(
        f"coalesce(sum(charge) FILTER (rule = {text(rule)}), 0) AS {rule}" for rule in rules
    )
    return Question(
        "Every payer under every rule, the largest charge first",
        f"""\
SELECT account_id, currency, account_type, client_class, max(chargeable) AS chargeable,
       {columns}
FROM rule_comparison
WHERE {_where(of, currency)}
GROUP BY ALL
ORDER BY max(charge) DESC, account_id""",
    )


def _where(of: date, currency: str) -> str:
    return f"business_date = {day(of)} AND currency = {text(currency)}"
