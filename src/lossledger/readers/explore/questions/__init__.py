"""Contents of the views as SQL and rows, without any web framework."""
