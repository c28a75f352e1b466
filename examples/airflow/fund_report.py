"""Another team's DAG: it waits until a business date is published, and reports every date that it does not have yet.

It knows the asset's name and nothing else of the nightly DAG. An event says that there may be something new, not what:
a date that was corrected by `lossledger run` has no event, and those of a time at which this DAG was paused are gone.
So it compares what it has with `ops.published_days`, and an event makes up for all that had none.

Settings, from the environment: LOSSLEDGER_WAREHOUSE, FUND_REPORTS (the folder with a report a date) and
LOSSLEDGER_PYTHON (an interpreter that has lossledger, default: this one).
"""

import csv
import os
import subprocess
import sys
from pathlib import Path

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, task

PUBLISHED_DATE = Asset("lossledger_published_date")
PUBLISHED = "SELECT business_date, output_sha256 FROM published_days ORDER BY business_date"
FUND = "SELECT * FROM insurance_fund_daily WHERE business_date = DATE '{date}' ORDER BY currency"


def query(sql: str) -> str:
    """What readers of the warehouse can see now, as CSV with a line of names."""
    python, warehouse = (
        os.environ.get("LOSSLEDGER_PYTHON") or sys.executable,
        os.environ["LOSSLEDGER_WAREHOUSE"],
    )
    command = [python, "-m", "lossledger.cli.main", "query", "--warehouse", warehouse, "--format", "csv", sql]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@task
def report() -> list[str]:
    """The dates that were reported. A report's name holds the hash of all that was published for its date."""
    folder, reported = Path(os.environ["FUND_REPORTS"]), []
    folder.mkdir(parents=True, exist_ok=True)
    for date, sha256 in list(csv.reader(query(PUBLISHED).splitlines()))[1:]:
        path = folder / f"{date}-{sha256[:16]}.csv"
        if not path.exists():
            text = query(FUND.format(date=date))
            for old in folder.glob(f"{date}-*.csv"):
                old.unlink()
            path.write_text(text)
            reported.append(date)
    return reported


with DAG(
    dag_id="fund_report",
    schedule=PartitionedAssetTimetable(assets=PUBLISHED_DATE),
    catchup=False,
    max_active_runs=1,
    tags=["example"],
):
    report()
