"""From a replayed session to the rows of its published tables (outputs.md)."""
