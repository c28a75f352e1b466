"""Questions about restated dates: tables, times, reasons."""

from lossledger.readers.explore.questions.question import Question


def restatements() -> Question:
    return Question(
        "Dates that were published anew, the last first",
        """\
SELECT restated_at, business_date, count(*) AS tables, sum(rows_before)::BIGINT AS rows_before,
       sum(rows_after)::BIGINT AS rows_after, string_agg(table_name, ', ' ORDER BY table_name) AS changed, run_id
FROM restatements
GROUP BY restated_at, business_date, run_id
ORDER BY restated_at DESC, business_date, run_id""",
    )


def reasons() -> Question:
    return Question(
        "Why, as far as it is noted",
        """\
SELECT restated_at, business_date, reason, run_id
FROM restatement_reasons
ORDER BY restated_at DESC, business_date, reason""",
    )
