"""Questions about an account: charges, deficits, deleveraged fills, balances by date."""

from lossledger.readers.explore.questions.question import Question, text


def most_charged() -> Question:
    return Question(
        "Accounts that were charged, the largest sum of each currency first",
        """\
SELECT account_id, currency, count(*) AS sessions, sum(charge) AS charged, max(business_date) AS last_date
FROM socialised_losses
GROUP BY account_id, currency
ORDER BY currency, charged DESC, account_id""",
    )


def charges(account_id: str) -> Question:
    return Question(
        "What it was charged",
        f"""\
SELECT business_date, currency, client_class, method, basis, charge
FROM socialised_losses
WHERE account_id = {text(account_id)}
ORDER BY business_date, currency""",
    )


def events(account_id: str) -> Question:
    return Question(
        "When it was below zero",
        f"""\
SELECT ts, currency, deficit, fund_draw, shortfall, cause, protected, isolation, event_id, business_date
FROM negative_balances
WHERE account_id = {text(account_id)}
ORDER BY ts, event_id""",
    )


def deleveraged(account_id: str) -> Question:
    return Question(
        "What auto-deleveraging took from it, at the mark",
        f"""\
SELECT ts, currency, instrument_id, side, quantity, price, mark_price, amount, fill_id, business_date
FROM adl_losses
WHERE account_id = {text(account_id)}
ORDER BY ts, fill_id""",
    )


def balances(account_id: str) -> Question:
    return Question(
        "Its balances, the last date first",
        f"""\
SELECT business_date, currency, isolation, opening_wallet, transfers, realised_pnl, fees, funding,
       negative_balance_reset, surplus_forfeited, socialised_charge, closing_wallet, unrealised_pnl, equity
FROM account_daily
WHERE account_id = {text(account_id)}
ORDER BY business_date DESC, currency, isolation""",
    )
