"""What every section of an explanation starts from, and how it names units, amounts and times."""

from collections.abc import Sequence
from fractions import Fraction

from lossledger.engine.clock import iso
from lossledger.engine.events import UnitKey
from lossledger.engine.intake.policy import Terms
from lossledger.engine.numbers import E18, round_half_even_div, units_to_e18
from lossledger.readers.document.cells import Amount, Cell
from lossledger.readers.document.model import Citation
from lossledger.readers.explain.account_session import AccountSession
from lossledger.readers.explain.origins import Origins
from lossledger.readers.explain.published_comparison import Comparison
from lossledger.readers.explain.unit_trace import TracedUnit
from lossledger.schemas.ops import POLICIES


class Narrative:
    """An account's session with its replay, what is published of it, and where everything stands.

    `units`: the risk units that are told of.
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
        """A key of the policy, as it was kept with the date."""
        return self.origins.published(POLICIES, {"business_date": self.session.day.day, "key": key})


def unit_name(key: UnitKey) -> str:
    """A unit as a person is told of it."""
    margin = f"isolated {key.isolation}" if key.isolation else "cross margin"
    return f"{key.currency}, {margin}"


def when(ts: int) -> str:
    """`2025-10-10 10:01:00` (UTC); with microseconds where it has any."""
    return iso(ts).removesuffix("Z").removesuffix(".000000").replace("T", " ")


def sum_text(amounts: Sequence[Cell]) -> str:
    """A sum as it is written: `100.00 − 20.00`; of nothing 0."""
    told = ""
    for amount in map(str, amounts):
        if told:
            told += f" − {amount[1:]}" if amount.startswith("-") else f" + {amount}"
        else:
            told = amount
    return told or "0"


def count_text(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def when_of_day(ts: int) -> str:
    return when(ts)[11:]


def fraction(value: Fraction, places: int) -> Amount:
    """Rounded half to even; only where the reader is told that it is rounded."""
    rounded = round_half_even_div(value.numerator * 10**places, value.denominator)
    return Amount(rounded * 10 ** (18 - places), 0)


def as_fraction(value_e18: int) -> Fraction:
    return Fraction(value_e18, E18)
