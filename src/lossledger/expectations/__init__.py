"""What must hold before a date is published: suites derived from schemas/ and rules written in SQL."""
