"""What an adapter leaves in the landing zone that it wrote: its name and edition, and the files with their hashes."""

MARKER = "_adapter.json"  # a name with _ is no dataset
# An edition is one higher where the same delivery gives other rows, so that what was adapted before is adapted
# anew. The first edition stands in no marker.
# hyperliquid-fills 2: who takes over a backstop liquidation is of type liquidator, and was a house account before.
EDITIONS = {"hyperliquid-fills": 2}


def edition(adapter: str) -> int:
    """Of this version of the adapter."""
    return EDITIONS.get(adapter, 1)
