"""Another team's DAG: it waits until a business date is published, and then reads it.

It knows the asset's name and nothing else of the nightly DAG. The partition key is the date. A date that is
published again, after a correction, comes again: a report replaces the one that it made before.
"""

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, get_current_context, task

PUBLISHED_DATE = Asset("lossledger_published_date")


@task
def report() -> str:
    """The business date, YYYY-MM-DD, that readers of the warehouse can now see."""
    return str(get_current_context()["dag_run"].partition_key)


with DAG(
    dag_id="fund_report",
    schedule=PartitionedAssetTimetable(assets=PUBLISHED_DATE),
    tags=["example"],
):
    report()
