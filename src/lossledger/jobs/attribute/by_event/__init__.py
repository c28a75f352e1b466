"""The rules of the comparison that look at all units at the time of each event (rules.md section 14)."""
