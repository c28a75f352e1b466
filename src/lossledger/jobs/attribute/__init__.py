"""From a replayed session to the published tables of its date."""
