"""For people: reads published versions only."""
