"""Check: Great Expectations on the staged date; a failed check leaves it unpublished."""

from jobs.day import Day


def check_day(day: Day, run_id: str) -> None:
    """placeholder"""
