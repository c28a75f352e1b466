"""Sums that must hold are errors where they do not, also under `python -O`, which takes assertions out."""

from datetime import date

import pytest

from lossledger.engine.errors import InvariantError
from lossledger.engine.rules import comparison
from lossledger.engine.rules.comparison import SharedLoss, Split, compare_rules
from lossledger.engine.rules.sharing import unit_charges
from lossledger.jobs.load.deliveries import LoadedDelivery


def test_a_charge_without_a_unit_to_take_it_from() -> None:
    with pytest.raises(InvariantError, match="the charge of a in USD exceeds what its units hold"):
        unit_charges({"a": 1}, [], "USD")


def test_a_rule_that_loses_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(comparison.RULES, "equity_prorata", lambda loss: Split({"a": 1}))
    with pytest.raises(InvariantError, match="the shares of the rule equity_prorata do not add up"):
        compare_rules(SharedLoss([], {}, 0), ["equity_prorata"])


def test_a_row_that_is_neither_accepted_nor_rejected() -> None:
    counts = {"rows": 1, "accepted": 0, "duplicates": 0, "superseded": 0, "quarantined": 0}
    with pytest.raises(InvariantError, match="of 1 delivered rows 0 were accepted"):
        LoadedDelivery.counted(date(2025, 10, 10), "ticks", "", **counts, extra=())
