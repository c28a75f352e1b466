"""The rules as small tables: read from test_1 on, they say what every number means."""
