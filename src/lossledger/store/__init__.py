"""What is on disk: Delta tables, versions, published dates, reference data."""
