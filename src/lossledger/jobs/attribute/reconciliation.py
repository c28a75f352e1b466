"""The reconciliation of a date: the rules of engine.rules.reconcile over sums that the database has made."""

from collections.abc import Mapping, Sequence

from lossledger.engine.numbers import E18, Ledger
from lossledger.engine.rows import FundingTotal, UnitPosition, UnitSession
from lossledger.engine.rules.episode import MARGIN
from lossledger.engine.rules.fund import Waterfall
from lossledger.engine.rules.reconcile import (
    Check,
    EpisodeCounts,
    Losses,
    currency_checks,
    liquidation_checks,
    market_checks,
)
from lossledger.engine.rules.reconcile_venue import VenueBalance, balance_checks, liquidation_value_checks
from lossledger.engine.tables.reconciliation import check_rows
from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.fund import FundResult
from lossledger.jobs.attribute.inputs import Inputs
from lossledger.jobs.attribute.trades import TradeCounts, broken_trades
from lossledger.schemas.attribution import RECONCILIATION
from lossledger.store.arrow import to_arrow
from lossledger.store.staging import Part

_BALANCES = """
    with wallets as (
        select ts, account_id, currency, sum(wallet) as wallet from (
            select distinct ts, account_id, currency, isolation, wallet from snapshots
        ) group by all
    )
    select 'venue_account_balance' as rule,
        account_id || '|' || currency || '|' || strftime(ts at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as key,
        'ledger.venue_account_balances' as source_expected, 'recomputed wallets' as source_actual,
        wallet_balance as expected, coalesce(wallet, 0) * unit as actual, actual - expected as "break",
        0::decimal(38,18) as tolerance, true as independent
    from delivered join currencies using (currency) left join wallets using (ts, account_id, currency)
"""
_ENDED = f"""
    select count(first_execution_at), count(*) filter (first_execution_at is not null and trigger = '{MARGIN}'),
        count(*) filter (first_execution_at is null)
    from episodes
"""


def write_reconciliation(
    books: Books, inputs: Inputs, trades: TradeCounts, fund: FundResult, losses: Mapping[str, Losses]
) -> None:
    """Stage the table: what has a row per account or trade by queries, the rest by the rules themselves."""
    checks = _trade_checks(trades)
    if inputs.day.policy.at(inputs.day.end - 1).execution == "recorded":
        checks += _market_checks(books, inputs)
    checks += _currency_checks(books, fund, losses)
    checks += balance_checks(books.scales, _fund_balances(inputs, fund))
    market = inputs.reference.market()
    checks += liquidation_value_checks(books.scales, market, inputs.venue_liquidations())
    rows = to_arrow(RECONCILIATION, check_rows(checks), business_date=inputs.day.day)
    parts = [
        books.staging.write_part(RECONCILIATION, 0, rows),
        broken_trades(books, 1),
        _account_balances(books, inputs, 2),
    ]
    books.staging.commit(RECONCILIATION, parts)


def _trade_checks(trades: TradeCounts) -> list[Check]:
    rule, source = "trade_zero_sum", "ledger.fills"
    sided, single = trades.many_sided * E18, trades.one_sided * E18
    return [
        Check(rule, "all", source, source, sided, sided - trades.broken * E18, 0, True),
        Check(rule, "one_sided", source, source, single, single, 0, False),
    ]


def _market_checks(books: Books, inputs: Inputs) -> list[Check]:
    """Sums per instrument in the place of positions and of funding, the rules only add them up."""
    positions = [
        UnitPosition("", "", "", instrument_id, quantity, Ledger(0), None)
        for instrument_id, quantity in books.rows(
            "select instrument_id, sum(quantity) from unit_positions group by instrument_id"
        )
    ]
    funding = [
        FundingTotal(instrument_id, currency, amount, int(events))
        for instrument_id, currency, amount, events in books.rows(
            "select instrument_id, currency, sum(amount), sum(events) from funding_totals group by all"
        )
    ]
    ((open_episodes,),) = books.rows("select count(open_episode) from unit_sessions")
    checks = market_checks(inputs.reference.contracts, positions, funding)
    (ended,) = books.rows(_ENDED)
    return checks + liquidation_checks(EpisodeCounts(*ended), open_episodes)


def _currency_checks(books: Books, fund: FundResult, losses: Mapping[str, Losses]) -> list[Check]:
    """Sums per currency in the place of units."""
    sums = ", ".join(
        f"sum({name})"
        for name in UnitSession._fields[4:-1]  # from opening_wallet on, all are amounts
    )
    units = [
        UnitSession._make(("", row[0], "", False, *row[1:], None))
        for row in books.rows(f"select currency, {sums} from unit_sessions group by currency")
    ]
    return currency_checks(
        books.scales,
        units,
        Waterfall(days=fund.days),
        losses,
        books.rows("select currency, sum(terminal_equity) from episodes group by currency"),
        books.rows("select currency, sum(amount) from components group by currency"),
    )


def asked_balances(inputs: Inputs) -> Sequence[tuple[str, int]]:
    """Of which currency, and when, the venue has published the balance of its fund."""
    return inputs.rows("venue_fund_balances", ("currency", "ts"))


def _fund_balances(inputs: Inputs, fund: FundResult) -> list[VenueBalance]:
    return [
        VenueBalance(ts, "", currency, inputs.units(currency, balance), fund.told[currency, ts])
        for ts, currency, balance in inputs.rows("venue_fund_balances", ("ts", "currency", "balance"))
    ]


def _account_balances(books: Books, inputs: Inputs, number: int) -> Part | None:
    columns = ("ts", "account_id", "currency", "wallet_balance")
    books.add("delivered", inputs.task.stream("venue_account_balances", columns))
    return books.part(RECONCILIATION, number, _BALANCES)
