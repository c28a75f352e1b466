#!/usr/bin/env bash
# airflow-backfill-runs-beside-max-active-runs: with max_active_runs=1 a run of a backfill and a scheduled run go on at once.
# Expected (a good guess): max_active_runs of a DAG limits all of its runs, so that with 1 no two of them ever interleave.
# Seen (apache-airflow 3.3.2, 2026-12-01): the scheduler counts a backfill's runs apart from all others: one of them and one
#   scheduled or triggered run are "running" together, while the other runs of each kind wait as "queued".
# Who meets it: whoever keeps one writer of a store by max_active_runs=1. What to do instead: a lock in what is written to, or a
#   first task that waits until no other run is between its first and last task; a pool with one slot serves tasks, not runs.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'apache-airflow==3.3.2'
mkdir "$T/dags"
cat > "$T/dags/night.py" <<'P'
from datetime import UTC, datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    "night",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
):
    # A pool without slots: the task never begins, so that a run stays in the state that the scheduler gave it.
    BashOperator(task_id="load", bash_command="true", pool="closed")
P
export AIRFLOW_HOME="$T" AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__CORE__DAGS_FOLDER="$T/dags"
export AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK=False
airflow() { "$T/v/bin/airflow" "$@" >> "$T/log" 2>&1 || { tail -5 "$T/log"; exit 1; }; }
airflow db migrate
airflow pools set closed 0 "without slots"
airflow dags reserialize
airflow dags trigger night
airflow dags trigger night
airflow backfill create --dag-id night --from-date 2026-03-01 --to-date 2026-03-03 --max-active-runs 1
airflow scheduler --num-runs 4
"$T/v/bin/python" - "$T" <<'P'
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path

print("apache-airflow", version("apache-airflow"))
with sqlite3.connect(Path(sys.argv[1]) / "airflow.db") as database:
    states = database.execute("SELECT run_type, state FROM dag_run").fetchall()
print(sorted(states))
running = [kind for kind, state in states if state == "running"]
assert running.count("backfill") == 1, "one of the backfill"
assert len(running) == 2, "and one of all others"
assert len(states) - len(running) == states.count(("backfill", "queued")) + states.count(("manual", "queued")) >= 3
P
