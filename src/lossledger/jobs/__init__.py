"""The night: load, replay, attribute, check, publish, and running dates in order."""
