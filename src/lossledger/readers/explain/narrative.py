"""Context of an explanation's sections, and the texts of units, amounts and times."""

from collections.abc import Sequence
from fractions import Fraction

from lossledger.engine.clock import iso
from lossledger.engine.events import UnitKey
from lossledger.engine.intake.policy import Terms
from lossledger.engine.numbers import E18, round_half_even_div, units_to_e18
from lossledger.readers.document.model import Citation
from lossledger.readers.document.values import Amount, Cell
from lossledger.readers.explain.account_session import AccountSession
from lossledger.readers.explain.origins import Origins
from lossledger.readers.explain.published_comparison import Comparison
from lossledger.readers.explain.unit_trace import TracedUnit
from lossledger.schemas.ops import POLICIES


class Narrative:
    """An account's session, its replay, the comparison with published rows, and the citations.

    `units`: the risk units to explain; None: all.
    """

    def __init__(self, session: AccountSession, units: tuple[UnitKey, ...] | None = None) -> None:
        self.session = session
        self.comparison = Comparison(session)
        self.origins = Origins(session)
        traced = session.traced
        self.units: list[TracedUnit] = [u for u in traced if units is None or u.key in units]

    def money(self, currency: str, amount: int) -> Amount:
        """An amount in ledger units, at the currency's scale."""
        scale = self.session.scale(currency)
        return Amount(units_to_e18(amount, scale), scale, currency)

    def terms(self, ts: int) -> Terms:
        return self.session.policy.at(ts)

    def policy_source(self, key: str) -> Citation:
        """Citation of a key of the policy stored with the date."""
        return self.origins.published(POLICIES, {"business_date": self.session.day.day, "key": key})


def unit_name(key: UnitKey) -> str:
    """A unit in words."""
    margin = f"isolated {key.isolation}" if key.isolation else "cross margin"
    return f"{key.currency}, {margin}"


def when(ts: int) -> str:
    """`2025-10-10 10:01:00` (UTC); with microseconds where it has any."""
    return iso(ts).removesuffix("Z").removesuffix(".000000").replace("T", " ")


def sum_text(amounts: Sequence[Cell]) -> str:
    """The terms of a sum: `100.00 − 20.00`; `0` without terms."""
    text = ""
    for amount in map(str, amounts):
        if text:
            text += f" − {amount[1:]}" if amount.startswith("-") else f" + {amount}"
        else:
            text = amount
    return text or "0"


def count_text(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def when_of_day(ts: int) -> str:
    return when(ts)[11:]


def round_fraction(value: Fraction, places: int) -> Amount:
    """Rounded half to even to `places`; only for figures that are labelled as rounded."""
    rounded = round_half_even_div(value.numerator * 10**places, value.denominator)
    return Amount(rounded * 10 ** (18 - places), 0)


def as_fraction(value_e18: int) -> Fraction:
    return Fraction(value_e18, E18)
