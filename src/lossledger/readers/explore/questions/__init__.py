"""What each view shows, as SQL and rows: no web page in here."""
