"""Storage on disk or in an object store: Delta tables, versions, published dates, reference data."""
