"""What the tables are: columns, units, keys and meaning, declared once. Imports nothing but the standard library."""
