"""From the landing zone to the ledger."""
