"""Maintenance margin with tiers (rules.md section 6)."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from lossledger.engine.errors import DataError
from lossledger.engine.intake.policy import Terms
from lossledger.engine.numbers import E18, E36, ceil_div
from lossledger.engine.versions import Versions


class MarginRule(NamedTuple):
    """What the policy says of margin.

    `whole`: the tier's rate is of the whole position, and nothing is deducted (key margin_on). `by_quantity`: floors of
    tiers are quantities, not notionals (key tier_floor).
    """

    whole: bool = False
    by_quantity: bool = False

    @classmethod
    def of(cls, terms: Terms) -> "MarginRule":
        """The rule in force."""
        return cls(terms.margin_on == "whole", terms.tier_floor == "quantity")


MARGINAL = MarginRule()


class TierTable:
    """One effective version of an instrument's margin tiers, in the scale of its settlement currency.

    `tiers`: (notional_floor_e18, maintenance_rate_e18), floors rising from 0.
    """

    def __init__(self, tiers: Iterable[tuple[int, int]], scale: int) -> None:
        ordered = sorted(tiers)
        unit = 10**scale
        self._floors: list[int] = []  # in ledger units x 10^18: compared with notional x 10^18
        self._quantities = [
            floor_e18 for floor_e18, _ in ordered
        ]  # the same floors where they are quantities
        self._terms: list[tuple[int, int]] = []  # rate x 10^18, deduction in ledger units x 10^36
        deduction = 0
        previous_rate = ordered[0][1]
        for floor_e18, rate_e18 in ordered:
            deduction += floor_e18 * (rate_e18 - previous_rate) * unit
            previous_rate = rate_e18
            self._floors.append(floor_e18 * unit)
            self._terms.append((rate_e18, deduction))

    def steps(self) -> list[tuple[int, int, int]]:
        """Per tier: floor in ledger units × 10^18, rate × 10^18, deduction in ledger units × 10^36."""
        return [(floor, *terms) for floor, terms in zip(self._floors, self._terms, strict=True)]

    def quantities(self) -> list[int]:
        """The floors of the tiers in 10^-18, where they are quantities."""
        return list(self._quantities)

    def maintenance_margin_units(
        self, notional_units: int, quantity_e18: int = 0, rule: MarginRule = MARGINAL
    ) -> int:
        """MM = ceil(n × rate_k − deduction_k), k the tier with the largest floor ≤ n; or as `rule` says otherwise.

        `quantity_e18`: |Q|, for a rule with floors by quantity.
        """
        if rule.by_quantity:
            tier = bisect_right(self._quantities, quantity_e18) - 1
        else:
            tier = bisect_right(self._floors, notional_units * E18) - 1
        rate_e18, deduction_e36 = self._terms[tier]
        if rule.whole:
            deduction_e36 = 0
        return ceil_div(notional_units * rate_e18 * E18 - deduction_e36, E36)


class TierHistory:
    """All versions of one instrument's table, by `valid_from` in microseconds."""

    def __init__(self, instrument_id: str, versions: dict[int, TierTable]) -> None:
        self.instrument_id = instrument_id
        self._versions = Versions(versions.items())

    def items(self) -> list[tuple[int, TierTable]]:
        """(valid_from, table) in order of time."""
        return self._versions.items()

    def at(self, ts: int) -> tuple[TierTable, int]:
        """The table effective at ts and the time of the next version (NEVER after the last).

        DataError: a held instrument without an effective margin table (inputs.md).
        """
        table = self._versions.at(ts)
        if table is None:
            raise DataError(
                f"instrument {self.instrument_id} is held with no effective margin table: "
                "add its tiers to LANDING/margin_tiers with an earlier valid_from"
            )
        return table, self._versions.next_change(ts)
