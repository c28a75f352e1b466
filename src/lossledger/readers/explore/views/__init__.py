"""The views on a screen: widgets, tables, charts. What they show comes from `questions/`."""
