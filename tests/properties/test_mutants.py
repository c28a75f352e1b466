"""The properties can fail: each of these plausible mistakes in the engine turns its property red."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from lossledger.engine.errors import InvariantError
from lossledger.engine.events import NO_TICKS, Market
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules import fund, margin, negative_balance, sharing
from lossledger.engine.rules.episode import Episode
from lossledger.engine.rules.position import Position
from lossledger.engine.rules.units import Unit
from lossledger.engine.tables import losses
from tests.properties import test_amounts, test_invariance, test_scaling
from tests.properties.delivered import KINDS
from tests.properties.examples import history_of, history_of_good
from tests.properties.shrink import shrink, write_landing

Patch = pytest.MonkeyPatch
PLACES = (10, 100, 333, 500, 700, 1000)


def ticks_after_the_first_fill_are_forgotten(patch: Patch) -> None:
    add = Episode.add_tick

    def forget(self: Episode, instrument_id: str, change: int) -> None:
        if self.first_execution_at is None:
            add(self, instrument_id, change)

    patch.setattr(Episode, "add_tick", forget)


def a_charge_is_a_unit_too_large(patch: Patch) -> None:
    def charge(total: int, bases: Mapping[str, int]) -> dict[str, int]:
        return {account: amount + 1 for account, amount in sharing.charge(total, bases).items()}

    patch.setattr(losses, "charge", charge)


def a_draw_ignores_the_floor(patch: Patch) -> None:
    patch.setattr(fund, "e18_to_units", lambda value, scale: 0)


def a_withdrawal_is_protected(patch: Patch) -> None:
    book = negative_balance.book_loss

    def mistaken(unit: Unit, ts: int, cause: str, ended: Episode | None, rows: SessionRows) -> None:
        book(unit, ts, "trading" if cause == "transfer" else cause, ended, rows)

    patch.setattr(negative_balance, "book_loss", mistaken)


def a_draw_is_all_or_nothing(patch: Patch) -> None:
    def least(*values: Any, **options: Any) -> Any:
        if len(values) == 1:
            return builtins.min(*values, **options)
        deficit, there = values
        return deficit if there >= deficit else 0

    patch.setattr(fund, "min", least, raising=False)


def the_fund_pays_in_order_of_arrival(patch: Patch) -> None:
    def by_time(steps: Iterable[Any], key: object) -> list[Any]:
        return builtins.sorted(steps, key=lambda step: step.order[:2])

    patch.setattr(fund, "sorted", by_time, raising=False)


def a_stored_episode_loses_its_first_execution(patch: Patch) -> None:
    whole = Episode.to_json

    def to_json(self: Episode) -> str:
        return json.dumps(json.loads(whole(self)) | {"first_execution_at": None})

    patch.setattr(Episode, "to_json", to_json)


def a_stored_episode_loses_its_start(patch: Patch) -> None:
    whole = Episode.to_json
    patch.setattr(Episode, "to_json", lambda self: json.dumps(json.loads(whole(self)) | {"held": {}}))


def draws_at_the_end_go_by_account(patch: Patch) -> None:
    def by_account(steps: Iterable[Any], key: object) -> list[Any]:
        return builtins.sorted(steps, key=lambda step: step.order[:2] + step.order[3:])

    patch.setattr(fund, "sorted", by_account, raising=False)


def a_new_position_is_marked_at_the_next_tick(patch: Patch) -> None:
    def next_mark(self: Market, instrument_id: str, ts: int) -> int | None:
        series = self.ticks.get(instrument_id, NO_TICKS)
        later = [mark for since, mark in zip(series.ts, series.mark, strict=True) if since >= ts]
        return later[0] if later else self.closing_marks().get(instrument_id)

    patch.setattr(Market, "mark_before", next_mark)


def funding_of_the_second_half_is_lost(patch: Patch) -> None:
    """Depends on how many events the market knows of: more than there were until then."""
    received = Position.funding_at

    def funding_at(self: Position, ts: int) -> int | None:
        amount = received(self, ts)
        return amount if amount is None or 2 * self._funding_index <= len(self._funding) + 1 else 0

    patch.setattr(Position, "funding_at", funding_at)


def ties_go_by_a_hash(patch: Patch) -> None:
    def charge(total: int, bases: Mapping[str, int]) -> dict[str, int]:
        by_hash = sorted(bases.items(), key=lambda item: crc32(item[0].encode()))
        return dict(bases) if total >= sum(bases.values()) else sharing.largest_remainder(total, by_hash)

    def uneven(total: int, weights: list[tuple[str, int]]) -> dict[str, int]:
        """Left-over units to whoever comes first."""
        shares = {key: total * weight // sum(w for _, w in weights) for key, weight in weights}
        for key, _ in weights[: total - sum(shares.values())]:
            shares[key] += 1
        return shares

    patch.setattr(sharing, "largest_remainder", uneven)
    patch.setattr(losses, "charge", charge)


def a_margin_table_knows_cents_only(patch: Patch) -> None:
    made = margin.TierTable.__init__
    patch.setattr(margin.TierTable, "__init__", lambda self, tiers, scale: made(self, tiers, 2))


CAUSES = test_amounts.test_the_causes_of_an_episode_add_up_to_its_end
CHARGES = test_amounts.test_a_loss_is_charged_to_the_last_unit_and_nobody_beyond_what_is_there
AT_END = test_amounts.test_draws_at_the_end_of_a_session_pay_all_that_the_fund_can
FLOOR = test_amounts.test_no_draw_takes_the_fund_below_its_floor
FLAT = test_amounts.test_a_flat_unit_is_below_zero_by_its_uncovered_debts_alone
RICHER = test_amounts.test_more_in_the_fund_means_no_larger_shortfall_of_any_event
ORDER = test_invariance.test_neither_the_order_of_rows_nor_partitions_matter
CUT = test_invariance.test_a_run_may_stop_anywhere_and_go_on_from_what_it_stored
NAMES = test_invariance.test_names_of_accounts_matter_by_their_order_alone
FUTURE = test_invariance.test_nothing_depends_on_the_future
SCALE = test_scaling.test_results_in_ledger_units_do_not_know_how_large_money_is

MUTANTS: list[tuple[Callable[[Patch], None], Any, list[tuple[Any, ...]]]] = [
    (ticks_after_the_first_fill_are_forgotten, CAUSES, [()]),
    (a_charge_is_a_unit_too_large, CHARGES, [()]),
    (a_draw_ignores_the_floor, FLOOR, [()]),
    (a_withdrawal_is_protected, FLAT, [([],)]),
    (a_draw_is_all_or_nothing, RICHER, [(10**n,) for n in range(1, 8)]),
    (the_fund_pays_in_order_of_arrival, ORDER, [(n, 3) for n in range(4)]),
    (a_stored_episode_loses_its_first_execution, CUT, [(0, p) for p in PLACES]),
    (a_stored_episode_loses_its_start, CUT, [(0, p) for p in PLACES]),
    (draws_at_the_end_go_by_account, AT_END, [()]),
    (a_new_position_is_marked_at_the_next_tick, FUTURE, [(p, 0) for p in PLACES]),
    (funding_of_the_second_half_is_lost, FUTURE, [(p, 0) for p in PLACES]),
    (ties_go_by_a_hash, NAMES, [("",)]),
    (a_margin_table_knows_cents_only, SCALE, [([1, -1, 1, -1, 1], ["price", "quantity", "multiplier"])]),
]


@pytest.fixture(autouse=True)
def own_histories(monkeypatch: Patch) -> None:
    """What a mutant computes is nobody else's."""
    fresh = lru_cache(history_of.__wrapped__)
    for module in (test_amounts, test_invariance):
        monkeypatch.setattr(module, "history_of", fresh)
    monkeypatch.setattr(test_scaling, "history_of_good", lru_cache(history_of_good.__wrapped__))


@pytest.mark.parametrize(
    ("mutant", "red", "arguments"), MUTANTS, ids=[f"{m.__name__}-{n}" for n, (m, _, _) in enumerate(MUTANTS)]
)
def test_a_mistake_turns_its_property_red(
    monkeypatch: Patch, mutant: Callable[[Patch], None], red: Any, arguments: list[tuple[Any, ...]]
) -> None:
    mutant(monkeypatch)
    with pytest.raises((AssertionError, InvariantError)):
        for seed in range(6):
            for kind in KINDS:
                for more in arguments:
                    red.hypothesis.inner_test((kind, seed), *more)


def test_a_failing_market_shrinks_to_a_few_rows(monkeypatch: Patch, tmp_path: Path) -> None:
    ticks_after_the_first_fill_are_forgotten(monkeypatch)
    kept = shrink(CAUSES, "recorded", 1, ())
    left = {dataset: len(rows) for (dataset, day), rows in kept.rows.items() if day and rows}
    assert sum(left.values()) < 20
    assert left.keys() >= {"fills", "ticks"}
    write_landing(kept, tmp_path)
    assert len(list((tmp_path / "fills").rglob("*.csv"))) >= 1
