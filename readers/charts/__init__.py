"""Charts for people: the report and the explorer draw the same ones."""
