"""Explain: from a published number back to source rows, recomputed by the reference while it is told."""
