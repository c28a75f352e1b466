"""Differences between published tables, scenarios and past runs."""
