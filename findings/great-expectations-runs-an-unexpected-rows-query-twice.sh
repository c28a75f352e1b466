#!/usr/bin/env bash
# great-expectations-runs-an-unexpected-rows-query-twice: each query for rows that break a rule is run once to count and once to fetch.
# Expected (a good guess): one query, whose rows are counted; and where nothing is found, nothing more.
# Seen (great-expectations 1.24.1, sqlite, 2026-12-01): UnexpectedRowsExpectation sends the query itself, and again inside a
#   SELECT COUNT(*), whether there are rows or not.
# Who meets it: whoever writes rules as queries, and pays for each join twice. What to do instead: ask first, with one cheap
#   query over many rules, whether any of them finds a row, and validate rule by rule only then.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'great-expectations==1.24.1' 'pandas==2.3.3' 'sqlalchemy<2.1'
GX_ANALYTICS_ENABLED=false "$T/v/bin/python" - "$T" <<'P'
import sqlite3
import sys
from pathlib import Path

import great_expectations as gx
import sqlalchemy

print("great-expectations", gx.__version__)
FILE = Path(sys.argv[1]) / "charges.db"
with sqlite3.connect(FILE) as database:
    database.execute("CREATE TABLE charges (account TEXT, charge INTEGER)")
    database.executemany("INSERT INTO charges VALUES (?, ?)", [(f"a{n}", n) for n in range(10)])

sent = []


@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute")
def note(connection, cursor, statement, *others):
    sent.append(" ".join(statement.split()))


context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
source = context.data_sources.add_sqlite("charges", connection_string=f"sqlite:///{FILE}")
table = source.add_table_asset("charges", table_name="charges")
batch = table.add_batch_definition_whole_table("all").get_batch()
for limit, rows in ((6, 3), (100, 0)):
    sent.clear()
    rule = gx.expectations.UnexpectedRowsExpectation(
        unexpected_rows_query=f"SELECT account, charge FROM {{batch}} WHERE charge > {limit}"
    )
    result = batch.validate(rule)
    asked = [statement for statement in sent if f"charge > {limit}" in statement]
    print(f"{rows} rows: the rule's query was sent {len(asked)} times")
    assert result.result["observed_value"] == rows
    assert result.success is (rows == 0)
    assert sorted("COUNT(*)" in statement for statement in asked) == [False, True]
P
