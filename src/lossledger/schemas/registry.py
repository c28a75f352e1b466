"""All tables by full name, in the order in which a reader meets them."""

from lossledger.schemas import attribution, ledger, ops
from lossledger.schemas.core import Table

PUBLISHED = {table.full_name: table for table in attribution.TABLES}
CARRIED = {table.full_name: table for table in ledger.CARRIED}
LEDGER = {
    table.full_name: table
    for table in (*ledger.TYPED.values(), ledger.NUMBERS, ledger.QUARANTINE, ledger.DELIVERIES)
}
RAW = {ledger.FILES.full_name: ledger.FILES}
OPS = {table.full_name: table for table in ops.TABLES}
TABLES: dict[str, Table] = PUBLISHED | LEDGER | CARRIED | RAW | OPS
