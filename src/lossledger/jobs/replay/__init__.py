"""Recomputing a session from the ledger and the state of the day before."""
