"""Charts for people, drawn without a browser and without a network."""
