"""`lossledger explore`: published dates as a web page on this machine. `questions/` know no web page."""
