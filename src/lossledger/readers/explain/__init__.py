"""Explain: from a published number back to source rows; the reference recomputes every step."""
