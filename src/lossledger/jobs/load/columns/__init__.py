"""The load by columns: what is plainly good is taken at once, every other row goes to the reference judge."""
