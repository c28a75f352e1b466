"""A walk through the day of the crash: from what the fund paid to one account's charge, to the last unit.

    .venv/bin/marimo edit examples/analysis.py            # in a browser, with the code
    .venv/bin/python examples/analysis.py -- --warehouse demo/warehouse

It reads published dates alone. Every figure that it says is computed here from the tables, and every claim is checked
where it is made: the notebook does not run to its end on tables that contradict it.
"""

import marimo

app = marimo.App(width="medium", app_title="The day of the crash")

with app.setup:
    from collections import Counter
    from decimal import Decimal, getcontext
    from fractions import Fraction
    from pathlib import Path

    import altair as alt
    import marimo as mo

    from lossledger.engine.errors import InvariantError
    from lossledger.readers.published.published_tables import PublishedTables
    from lossledger.readers.query.query_result import to_plain

    getcontext().prec = 60  # amounts have up to 38 digits, Python's decimals only 28 if one does not ask

    def agree(one, other):
        """InvariantError unless both are the same: the notebook does not go on from a wrong figure."""
        if one != other:
            raise InvariantError(f"{one} is not {other}")


@app.cell
def _():
    warehouse = Path(mo.cli_args().get("warehouse") or "demo/warehouse")
    return (warehouse,)


@app.cell
def _(warehouse):
    tables = PublishedTables.open(warehouse)
    database = tables.connect()

    def query(sql, **values):
        """Rows as dictionaries; decimals stay exact."""
        return database.execute(sql, values).to_arrow_table().to_pylist()

    # The session that cost most, and the currency in which it did.
    [worst] = query("""
        SELECT business_date AS day, currency FROM session_losses
        ORDER BY payers DESC, deficit DESC, business_date, currency LIMIT 1
    """)
    scale = tables.scales[worst["currency"]]

    def shown(amount):
        """An amount at its currency's scale."""
        return to_plain(amount, scale)

    def table(rows):
        return mo.ui.table([{k: to_plain(v, scale) for k, v in row.items()} for row in rows], selection=None)

    mo.md(f"""
    # The day of the crash

    Published in `{warehouse}`: {", ".join(map(str, tables.days))}. Most accounts were charged on **{worst["day"]}** in
    **{worst["currency"]}**, so that is the session to look at.
    """)
    return query, scale, shown, table, worst


@app.cell
def _(query, shown, table, worst):
    [fund] = query(
        "SELECT * FROM insurance_fund_daily WHERE (business_date, currency) = ($day, $currency)", **worst
    )
    _draws = query(
        """
        SELECT date_trunc('hour', ts) AS hour, count(*) AS draws, -sum(amount) AS paid, min(balance) AS lowest
        FROM insurance_fund_ledger
        WHERE (business_date, currency) = ($day, $currency) AND kind = 'draw' GROUP BY ALL ORDER BY hour
        """,
        **worst,
    )
    _balances = query(
        """
        SELECT epoch_ms(ts) AS time, balance FROM insurance_fund_ledger
        WHERE (business_date, currency) = ($day, $currency) ORDER BY seq
        """,
        **worst,
    )
    _points = [row | {"balance": float(row["balance"])} for row in _balances]  # for the drawing alone
    _chart = (
        alt.Chart(
            alt.Data(values=_points), width="container", title=f"Balance of the fund, {worst['currency']}"
        )
        .mark_line(interpolate="step-after")
        .encode(alt.X("time:T", scale=alt.Scale(type="utc"), title="UTC"), alt.Y("balance:Q", title=None))
    )
    _income = fund["external"] + fund["liquidation_fees"] + fund["surplus"]
    agree(fund["opening"] + _income + fund["draws"], fund["closing"])
    mo.vstack(
        [
            mo.md(f"""
            ## 1. What the insurance fund paid

            It had {shown(fund["opening"])}, got {shown(_income)}, paid **{shown(-fund["draws"])}** in
            {fund["draw_count"]} draws and closed with {shown(fund["closing"])}. Its least balance
            was {shown(fund["lowest"])}.
            """),
            _chart,
            table(_draws),
        ]
    )
    return (fund,)


@app.cell
def _(fund, query, shown, table, worst):
    events = query(
        """
        SELECT ts, account_id, client_class, cause, deficit, fund_draw, shortfall, event_id, episode_id
        FROM negative_balances WHERE (business_date, currency) = ($day, $currency) AND protected ORDER BY deficit DESC
        """,
        **worst,
    )
    deficit = sum(event["deficit"] for event in events)
    shortfall = sum(event["shortfall"] for event in events)
    agree(sum(event["fund_draw"] for event in events), -fund["draws"])
    agree(deficit + fund["draws"], shortfall)
    mo.vstack(
        [
            mo.md(f"""
            ## 2. What it paid for

            {len(events)} balances of protected accounts ended below zero, **{shown(deficit)}** in all. The fund
            paid what it could at each of them; what it could not pay is the shortfall: **{shown(shortfall)}**.
            """),
            table(events[:10]),
        ]
    )
    return events, shortfall


@app.cell
def _(events, query, shown, table, worst):
    _causes = query(
        """
        SELECT component, sum(amount) AS amount
        FROM loss_components JOIN negative_balances USING (business_date, episode_id)
        WHERE (business_date, currency) = ($day, $currency) AND protected GROUP BY ALL ORDER BY amount DESC
        """,
        **worst,
    )
    _in_episodes = query(
        """
        SELECT sum(l.deficit) AS deficit FROM liquidations l JOIN negative_balances n USING (business_date, episode_id)
        WHERE (business_date, n.currency) = ($day, $currency) AND protected
        """,
        **worst,
    )[0]["deficit"] or Decimal(0)
    _explained = sum(row["amount"] for row in _causes)
    _liquidated = [event for event in events if event["cause"] == "liquidation"]
    agree(_explained, _in_episodes)
    mo.vstack(
        [
            mo.md(f"""
            ## 3. Why the deficits arose

            {len(_liquidated)} of these were liquidations. Their causes add up to **{shown(_explained)}**,
            the deficits of their episodes, with nothing left over. `cushion` is what stood between the accounts and
            zero when they were triggered; `gap_…` is what the price had jumped by until anybody could see it,
            `execution` what they were closed at worse than the mark.
            """),
            table(_causes),
        ]
    )
    return


@app.cell
def _(query, shortfall, shown, worst):
    [session] = query(
        "SELECT * FROM session_losses WHERE (business_date, currency) = ($day, $currency)", **worst
    )
    agree(session["shortfall"], shortfall)
    agree(session["socialised"] + session["uncovered"], shortfall)
    mo.md(f"""
    ## 4. Who bore the rest

    | deficit | = fund draw | + socialised | + uncovered |
    |---|---|---|---|
    | {" | ".join(shown(session[name]) for name in ("deficit", "fund_draw", "socialised", "uncovered"))} |

    The method is `{session["method"]}`: {session["payers"]} accounts pay, in proportion to a basis of
    {shown(session["basis_total"])} in all.
    """)
    return (session,)


@app.cell
def _(query, worst):
    # A basis: the account's profit of the session, and never more than what its units hold above zero.
    units = query(
        """
        SELECT account_id, realised_pnl - fees + funding + unrealised_pnl - opening_unrealised_pnl AS profit, equity
        FROM account_daily WHERE (business_date, currency) = ($day, $currency) AND account_type = 'client'
        """,
        **worst,
    )
    profit, held, equity = Counter(), Counter(), Counter()
    for unit in units:
        profit[unit["account_id"]] += unit["profit"]
        equity[unit["account_id"]] += unit["equity"]
        held[unit["account_id"]] += max(Decimal(0), unit["equity"])
    return equity, held, profit


@app.cell
def _(equity, held, profit, query, scale, session, shown, worst):
    if session["method"] == "session_profit_prorata":
        bases = {account: min(profit[account], held[account]) for account in profit}
    else:
        bases = dict(equity)
    bases = {account: Fraction(basis) for account, basis in bases.items() if basis > 0}
    agree(sum(bases.values()), Fraction(session["basis_total"]))

    # Whole ledger units by the largest remainder; a tie goes to the smaller id.
    unit_of_account = Fraction(1, 10**scale)
    shared = min(Fraction(session["shortfall"]), sum(bases.values()))
    exact = {
        account: shared * basis / sum(bases.values()) / unit_of_account for account, basis in bases.items()
    }
    charges = {account: int(share) for account, share in exact.items()}
    left_over = int(shared / unit_of_account) - sum(charges.values())
    for lucky in sorted(exact, key=lambda name: (charges[name] - exact[name], name))[:left_over]:
        charges[lucky] += 1

    stated = query(
        "SELECT * FROM socialised_losses WHERE (business_date, currency) = ($day, $currency)", **worst
    )
    published = {row["account_id"]: row["charge"] for row in stated}
    published_basis = {row["account_id"]: row["basis"] for row in stated}
    recomputed = {account: units * unit_of_account for account, units in charges.items() if units}
    agree(recomputed, {account: Fraction(charge) for account, charge in published.items()})
    most = max(published, key=lambda name: (published[name], name))
    mo.md(f"""
    ## 5. One account's charge, to the last unit

    `{most}` pays most. Its profit of the session is {shown(profit[most])} and it holds {shown(held[most])}, so its
    basis is {shown(published_basis[most])}. Of the {shown(session["shortfall"])} it pays

    **{shown(published[most])} {worst["currency"]}**.

    Recomputed here in fractions from `account_daily` and `session_losses`: all {len(published)} published charges are
    equal to the last unit, {left_over} of them with one of the units left over.
    """)
    return charges, most, published


if __name__ == "__main__":
    app.run()
