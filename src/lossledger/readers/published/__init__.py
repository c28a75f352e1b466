"""Published dates as tables by name, for SQL, reports and explanations."""
