"""The periodic report: one model of exact figures, four renderings, a manifest that proves them."""
