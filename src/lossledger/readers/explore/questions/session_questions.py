"""Questions about one date: events, payers, reconciliation breaks."""

from datetime import date

from lossledger.readers.explore.questions.question import Question, day


def losses(of: date) -> Question:
    return Question(
        f"Losses of {of}, and who bore them",
        f"""\
SELECT currency, deficit, fund_draw, socialised, uncovered, payers, unprotected_deficit, adl_loss, method, basis_total,
       closing AS fund_closing
FROM session_losses JOIN insurance_fund_daily USING (business_date, currency)
WHERE business_date = {day(of)}
ORDER BY deficit DESC, currency""",
    )


def events(of: date) -> Question:
    return Question(
        "Accounts below zero, the largest deficit of each currency first",
        f"""\
SELECT ts, event_id, account_id, currency, deficit, fund_draw, shortfall, cause, protected, client_class, isolation
FROM negative_balances
WHERE business_date = {day(of)}
ORDER BY currency, deficit DESC, event_id""",
    )


def liquidations(of: date) -> Question:
    return Question(
        "Liquidations that ended, by the equity they ended with",
        f"""\
SELECT ended_at, episode_id, account_id, currency, terminal_equity, deficit, liquidation_fees, trigger, end_reason,
       triggered_at, isolation
FROM liquidations
WHERE business_date = {day(of)}
ORDER BY currency, terminal_equity, episode_id""",
    )


def charges(of: date) -> Question:
    return Question(
        "Who was charged, the largest charge of each currency first",
        f"""\
SELECT account_id, currency, client_class, basis, charge, method
FROM socialised_losses
WHERE business_date = {day(of)}
ORDER BY currency, charge DESC, account_id""",
    )


def breaks(of: date) -> Question:
    return Question(
        "Reconciliations that do not agree",
        f"""\
SELECT business_date, rule, key, expected, actual, break, tolerance, independent
FROM reconciliation
WHERE business_date = {day(of)} AND (break IS NULL OR abs(break) > tolerance)
ORDER BY rule, key""",
    )
