"""The views on the screen: widgets, tables, charts. Their contents come from `questions/`."""
