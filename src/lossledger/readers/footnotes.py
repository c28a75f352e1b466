"""Footnotes to the totals of a session, in sentences; docs/method.md has examples."""

from collections.abc import Iterator, Sequence

from lossledger.engine.figures import exact
from lossledger.readers.published_rows import PublishedRows, Row, rows_where, sum_column
from lossledger.readers.session_figures import Draws, Relief, draws, fees_below_zero, relief
from lossledger.schemas import attribution


def write_footnotes(rows: PublishedRows) -> Iterator[tuple[str, list[str]]]:
    """A title and sentences for every session and currency that has footnotes."""
    for day in rows.days:
        for currency in rows.currencies():
            same = {"business_date": day.day, "currency": currency}
            (losses,) = rows_where(rows.rows(attribution.SESSION_LOSSES), **same)
            (fund,) = rows_where(rows.rows(attribution.INSURANCE_FUND_DAILY), **same)
            scale = rows.scales()[currency]
            notes = [
                _describe_draws(draws(rows, day, currency), losses, fund, scale),
                _describe_fees(fees_below_zero(rows, day, currency), losses, fund, scale),
                _describe_relief(relief(rows, day, currency), losses["adl_loss"], scale),
                _describe_protection(rows_where(rows.rows(attribution.PROTECTION_DAILY), **same), scale),
            ]
            if any(notes):
                yield f"{day.day}, {currency}", [note for note in notes if note]


def _describe_draws(made: Draws | None, losses: Row, fund: Row, scale: int) -> str:
    if made is None:
        return ""
    text = (
        "The fund paid at the end of the session (policy fund_draws: at_session_end), from what it had then. "
        if made.at_session_end
        else "The fund paid each deficit when it arose (policy fund_draws: at_event), from what it had then: what "
        "came in later paid for none before it. "
    )
    if not losses["shortfall"]:
        return text + "It left nothing short."
    short, charged, closing = (
        exact(amount, scale) for amount in (losses["shortfall"], losses["socialised"], fund["closing"])
    )
    text += f"It left {short} short, of which {charged} was charged, and closed with {closing}. "
    if made.other_shortfall is None or made.floor is None:
        return text + "What the other policy would have left, a scenario tells."
    other = "at_event" if made.at_session_end else "at_session_end"
    short = exact(made.other_shortfall, scale)
    charged = exact(min(made.other_shortfall, losses["basis_total"]), scale)
    return text + (
        f"With {other}, down to the same floor of {exact(made.floor, scale)}, it would have left {short} of this "
        f"session short, of which {charged} would have been charged."
    )


def _describe_fees(parts: tuple[int, int], losses: Row, fund: Row, scale: int) -> str:
    if not any(parts):
        return ""
    covered, uncovered, deficit, debts = (
        exact(amount, scale) for amount in (*parts, losses["deficit"], losses["unprotected_deficit"])
    )
    text = (
        f"{covered} of the covered deficits of {deficit} and {uncovered} of the uncovered ones of {debts} are the "
        "fees of these very liquidations, taken from accounts that had nothing left. "
    )
    if not fund["liquidation_fees"]:
        return text + "The fund got none of them."
    return text + f"Such fees are the fund's income: {exact(fund['liquidation_fees'], scale)} in the session."


def _describe_relief(spared: Relief, adl_loss: int, scale: int) -> str:
    parts = (spared.covered, spared.uncovered, spared.without_deficit)
    if not adl_loss and not any(parts):
        return ""
    spared_whom = (
        "of accounts whose deficit is covered: so much less for the fund and for payers",
        "of accounts whose deficit stays their own debt: the fund never pays it",
        "of accounts that ended without a deficit",
    )
    text = [f"{exact(part, scale)} {whom}" for part, whom in zip(parts, spared_whom, strict=True) if part]
    if rest := adl_loss - sum(parts):
        text.append(f"{exact(rest, scale)} of other liquidations, or rounding")
    return f"Deleveraged accounts lost {exact(adl_loss, scale)} at the mark. It relieved others: {'; '.join(text)}."


def _describe_protection(protected: Sequence[Row], scale: int) -> str:
    if not protected:
        return ""
    deficit, held = (
        exact(sum_column(protected, column), scale) for column in ("deficit", "within_account_equity")
    )
    return (
        f"Protection is per risk unit. Of the covered deficits of {deficit}, {held} was within what the same accounts "
        "held in all their units at the end of the session, later deposits and gains included."
    )
