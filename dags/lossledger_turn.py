"""Whose turn it is: from load to publish a warehouse belongs to one run, and a backfill goes before the night.

Airflow counts a backfill apart from other runs, so `max_active_runs` does not keep the two apart. Load therefore
asks for the turn, one load at a time, and waits while another run is between its load and its end.
"""

from collections.abc import Callable, Mapping

STAGES = ("load", "recompute", "attribute", "check", "publish")
ENDED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
ALIVE = frozenset({"queued", "running"})
BACKFILL = "backfill__"  # how Airflow begins the names of such runs; they sort by date

Tasks = Mapping[str, str | None]  # stage -> Airflow's state of it, None before it was scheduled


def waits_for(run_id: str, runs: Mapping[str, Tasks], state_of: Callable[[str], str]) -> str:
    """Why the run has to wait, '' when it is its turn.

    `runs`: every run of the DAG, by its name. `state_of`: Airflow's state of a run: one of a cancelled backfill has
    failed, although its tasks never were begun.
    """
    for other in sorted(set(runs) - {run_id}):
        tasks = runs[other]
        if all(state in ENDED for state in tasks.values()) or state_of(other) not in ALIVE:
            continue
        if tasks.get("load") == "success":
            return f"{other} is between load and publish"
        if other.startswith(BACKFILL) and not run_id.startswith(BACKFILL):
            return f"{other} is of a backfill, which goes first"
        if other.startswith(BACKFILL) and other < run_id:
            return f"{other} is of an earlier date of the backfill (with --run-backwards it never comes: cancel it)"
    return ""
