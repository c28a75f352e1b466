"""What must hold for every market: properties, tried on many small generated ones (docs/properties.md)."""
