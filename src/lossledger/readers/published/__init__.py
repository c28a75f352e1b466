"""Published dates as tables by their names, for whoever reads: SQL, reports, explanations."""
