"""What differs between published tables and scenarios."""
