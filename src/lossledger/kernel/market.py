"""What all units share, as arrays: contracts, margin tables, tick sizes and policy from the reference's objects, ticks
and funding from columns.

Prices stand on a grid of their instrument: an exact number of 10^-18 of which all its prices are multiples. Reference
data is small and read with Python; ticks and funding are columns, and nothing runs per row of them.
"""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

import numpy as np

from lossledger.engine.events import Market as Reference
from lossledger.engine.intake.policy import Policy
from lossledger.engine.numbers import E18, E36
from lossledger.engine.rules.contracts import INVERSE, Contract
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.kernel.blocks import build
from lossledger.kernel.layout import (
    FUNDING_EVENT,
    INSTRUMENT,
    LOT_SIZE,
    TABLE,
    TICK_SIZE,
    TIER,
    Ints,
    Market,
)
from lossledger.kernel.policy import MOST, PolicyArrays, policy_arrays
from lossledger.kernel.words import NARROW, Width

UNFIT = -1  # stands for a price that is not on its grid or too large


class Grid(NamedTuple):
    """The exact steps of an instrument's prices and quantities, in 10^-18."""

    price_e18: int
    lot_e18: int


class Ticks(NamedTuple):
    """Ticks sorted by instrument and time, prices on their grids; bid and ask 0 where there is none."""

    instrument: Ints
    ts: Ints
    mark: Ints
    bid: Ints
    ask: Ints


class Funding(NamedTuple):
    """Funding events sorted by instrument and time."""

    instrument: Ints
    ts: Ints
    rate_e18: Ints
    price: Ints


def market_arrays(
    names: Sequence[str],
    reference: Reference,
    grids: Sequence[Grid],
    ticks: Ticks,
    funding: Funding,
    policy: Policy,
    width: Width = NARROW,
) -> Market:
    """The market for instruments numbered in the order of `names`; of `reference` everything but ticks and funding.

    An instrument is not supported, and its units are left to the reference, when a price is UNFIT, when its contract
    or a margin table does not fit into amounts of this width on its grid, or when times of ticks or funding are not
    rising.
    """
    numbers = np.arange(len(names))
    rows = np.zeros(len(names), width.row(INSTRUMENT))
    rows["tick_from"], rows["tick_to"] = (
        np.searchsorted(ticks.instrument, numbers, s) for s in ("left", "right")
    )
    rows["funding_from"], rows["funding_to"] = (
        np.searchsorted(funding.instrument, numbers, s) for s in ("left", "right")
    )
    lowest, highest, levels, rows["level_from"], rows["levels"] = build(
        ticks.mark, rows["tick_from"], rows["tick_to"]
    )
    rows["timeline"] = _timelines(
        [ticks.ts[a:b] for a, b in zip(rows["tick_from"], rows["tick_to"], strict=True)]
    )
    sizes: list[tuple[int, ...]] = []
    tables: list[tuple[int, ...]] = []
    tiers: list[tuple[Any, ...]] = []
    lot_sizes: list[tuple[int, ...]] = []
    rules = policy_arrays(policy, names, reference, width)
    in_steps = bool((rules.step_shares_e18 != E18).any())
    for row, name, grid in zip(rows, names, grids, strict=True):
        fits = _add_sizes(row, sizes, reference, name, grid)
        fits &= _add_lot_sizes(row, lot_sizes, reference, name, grid) or not in_steps
        fits &= _add_tables(row, tables, tiers, reference.tiers.get(name), grid, width)
        fits &= _add_contract(row, reference.contracts[name], grid, width)
        fits &= _add_opening_mark(row, reference.opening_marks.get(name), grid)
        fits &= _add_extremes(row, ticks, funding, _sizes_of(row, sizes), rules)
        row["supported"] = fits and rules.fits
    rest = (np.array(sizes, TICK_SIZE), np.array(tables, TABLE), np.array(tiers, width.row(TIER)))
    more = (np.array(lot_sizes, LOT_SIZE), rules.step_shares_e18, rules.closed_in_full)
    events = np.zeros(len(funding.ts), FUNDING_EVENT)
    events["ts"], events["rate_e18"], events["price"] = funding.ts, funding.rate_e18, funding.price
    return Market(rows, *ticks[1:], lowest, highest, levels, events, *rest, rules.terms, *more)


def _timelines(times: Sequence[Ints]) -> list[int]:
    """Instruments that tick at the very same times have one number: one of them is searched for all."""
    numbers: list[int] = []
    known: dict[tuple[int, bytes], int] = {}
    for number, column in enumerate(times):
        digest = (len(column), hashlib.sha256(np.ascontiguousarray(column).data).digest())
        numbers.append(known.setdefault(digest, number))
    return numbers


def _add_contract(row: Any, contract: Contract, grid: Grid, width: Width) -> bool:
    """V as a quotient of integers on the grids."""
    inverse = contract.kind == INVERSE
    numerator = contract.multiplier_e18 * 10**contract.scale * grid.lot_e18
    denominator = E18 * grid.price_e18 if inverse else E18**3
    if not inverse:
        numerator *= grid.price_e18
    common = gcd(numerator, denominator)
    factor, other = numerator // common, denominator // common
    if inverse:
        factor, other = other, factor
    row["direction"] = contract.direction
    # price × factor multiplies lots, or it divides; what divides is below 2^62 whatever the width
    product, divisor = (MOST, width.most) if inverse else (width.most, MOST)
    if not (0 < factor < product and 0 < other < divisor):
        return False
    row["factor"], row["other"] = width.of(factor), width.of(other)
    row["price_limit"] = min(MOST - 1, (product - 1) // factor)
    return True


def _add_opening_mark(row: Any, mark_e18: int | None, grid: Grid) -> bool:
    if mark_e18 is None:
        return True
    mark, rest = divmod(mark_e18, grid.price_e18)
    if rest or not 0 < mark < MOST:
        return False
    row["opening_mark"] = mark
    return True


def _add_sizes(row: Any, sizes: list[tuple[int, ...]], reference: Reference, name: str, grid: Grid) -> bool:
    row["size_from"] = len(sizes)
    for valid_from, size_e18 in reference.tick_sizes[name].items():
        size, rest = divmod(size_e18, grid.price_e18)
        if rest or not 0 < size < MOST // 4:
            return False
        sizes.append((valid_from, size))
    row["size_to"] = len(sizes)
    return True


def _add_lot_sizes(
    row: Any, lot_sizes: list[tuple[int, ...]], reference: Reference, name: str, grid: Grid
) -> bool:
    """Sizes of orders in lots of the grid; False where one is none."""
    row["lot_size_from"] = row["lot_size_to"] = len(lot_sizes)
    history = reference.lot_sizes.get(name)
    versions = history.items() if history else []
    known = [(valid_from, divmod(size_e18, grid.lot_e18)) for valid_from, size_e18 in versions]
    if any(rest or not 0 < size < MOST // 4 for _, (size, rest) in known):
        return False
    lot_sizes += [(valid_from, size) for valid_from, (size, _) in known]
    row["lot_size_to"] = len(lot_sizes)
    return True


def _sizes_of(row: Any, sizes: list[tuple[int, ...]]) -> list[int]:
    return [size for _, size in sizes[row["size_from"] : row["size_to"]]]


def _add_tables(
    row: Any,
    tables: list[tuple[int, ...]],
    tiers: list[tuple[Any, ...]],
    history: TierHistory | None,
    grid: Grid,
    width: Width,
) -> bool:
    row["table_from"] = row["table_to"] = len(tables)
    for valid_from, table in history.items() if history else []:
        rows = tier_rows(table, grid, width)
        if rows is None:
            return False
        tables.append((valid_from, len(tiers), len(tiers) + len(rows)))
        tiers.extend(rows)
    row["table_to"] = len(tables)
    return True


def tier_rows(table: TierTable, grid: Grid, width: Width = NARROW) -> list[tuple[Any, ...]] | None:
    """MM = whole + ceil(((n − floor) × rate + rest) / denominator) per tier; None when it does not fit.

    The margin at the floor is split off, so that no product is larger than it has to be. The search needs rates that
    rise and are at most 1: value − margin may not fall when the value rises.
    """
    rows: list[tuple[Any, ...]] = []
    before, most = 0, width.most // 4
    for k, ((floor_e18, rate_e18, deduction_e36), quantity_e18) in enumerate(
        zip(table.steps(), table.quantities(), strict=True)
    ):
        rate, deduction = Fraction(rate_e18, E18), Fraction(deduction_e36, E36)
        denominator = lcm(rate.denominator, deduction.denominator)
        floor = -(-floor_e18 // E18)
        whole, rest = divmod(int((floor * rate - deduction) * denominator), denominator)
        multiple = int(rate * denominator)
        if not before <= rate_e18 <= E18 or (k == 0 and floor):
            return None
        if max(floor, whole) >= most or max(multiple, rest, denominator) >= MOST // 4:
            return None
        small = most // max(1, multiple)
        least_lots = min(-(-quantity_e18 // grid.lot_e18), MOST)
        rows.append(
            (width.of(floor), multiple, width.of(whole), rest, denominator, width.of(small), least_lots)
        )
        before = rate_e18
    return rows


def _add_extremes(row: Any, ticks: Ticks, funding: Funding, sizes: list[int], rules: PolicyArrays) -> bool:
    """The dearest prices, and whether all prices fit and all times rise."""
    mine, events = slice(row["tick_from"], row["tick_to"]), slice(row["funding_from"], row["funding_to"])
    quotes = [column[mine][column[mine] != 0] for column in (ticks.bid, ticks.ask)]
    held = [ticks.mark[mine], funding.price[events]]
    if any((column <= 0).any() for column in (*held, *quotes)):
        return False
    if any((column[1:] <= column[:-1]).any() for column in (ticks.ts[mine], funding.ts[events])):
        return False
    marks = [int(f(column)) for column in held if len(column) for f in (np.min, np.max)]
    if row["opening_mark"]:
        marks.append(int(row["opening_mark"]))
    closing = [int(f(column)) for column in (held[0], *quotes) if len(column) for f in (np.min, np.max)]
    rates = sum(abs(int(rate)) for rate in funding.rate_e18[events])
    simulated = rules.fits and bool(rules.terms["simulated"].any())
    inverse = row["direction"] < 0
    if marks:
        row["largest_at"] = min(marks) if inverse else max(marks)
    dearest = max(marks, default=0)
    if simulated and closing and sizes:
        dearest = max(dearest, 2 * max(closing) + max(sizes))
        slipped = min(closing) * (E18 - int(rules.terms["slippage_e18"].max())) // E18 - max(sizes)
        row["largest_closing_at"] = max(slipped, min(sizes)) if inverse else min(dearest, MOST - 1)
    row["funding_rates"] = min(rates, MOST - 1)
    return rates < MOST and dearest <= row["price_limit"]
