"""What is found of a date's input, beside the checks of its tables: staged, and from there in ops.dq_results."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.expectations.findings import FEE_SIGN, REJECTED, REPEATED_FILE
from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.inputs import Inputs
from lossledger.jobs.attribute.mark_gaps import find_mark_gaps
from lossledger.jobs.replay.recompute import delivered_rows
from lossledger.schemas.ledger import FINDINGS, QUARANTINE
from lossledger.store.arrow import to_arrow
from lossledger.store.delta import dataset
from lossledger.store.reference_data import text_hash

FEES_FROM = 10  # normal fills of a session, from which on their fees' signs are looked at
FEES_PERCENT = 95  # of them below zero: more is an adapter that has turned the sign
_KIND = r"""(?i)[{,]\s*"kind"\s*:\s*"\s*(liquidation|adl|settlement)\s*\""""
_REJECTED = """
    select kind, count(*), min({'file': file, 'row_number': row_number, 'reasons': reasons}, 3)
    from (select *, lower(regexp_extract(row, $pattern, 1)) as kind from rejected_fills)
    where kind <> '' group by kind order by kind
"""


def write_findings(books: Books, inputs: Inputs) -> None:
    """Stage what is found."""
    rows = [*_rejected(books, inputs), *_fee_sign(inputs), *_repeated(inputs)]
    found = [to_arrow(FINDINGS, rows, business_date=inputs.day.day)] if rows else []
    gaps = find_mark_gaps(books, inputs)
    parts = [books.staging.write_part(FINDINGS, number, data) for number, data in enumerate(found)]
    parts += [books.staging.write_part(FINDINGS, 1, gaps)] if gaps is not None else []
    books.staging.commit(FINDINGS, parts)


def _finding(kind: str, table: str, count: int, text: str, about: str = "", **detail: Any) -> dict[str, Any]:
    return {
        "table_name": table,
        "expectation": f"{kind} {about}".strip(),
        "unexpected_count": count,
        "examples": json.dumps([{"text": text} | detail], ensure_ascii=False),
        "suite_sha256": text_hash(kind, str(FEES_FROM), str(FEES_PERCENT)),
    }


def _rejected(books: Books, inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Rejected fills of the kinds that each matter by themselves; the kind is that of the row as delivered."""
    warehouse = inputs.day.warehouse
    folders = sorted(set(inputs.folders) & set(warehouse.days(QUARANTINE)))
    if not folders:
        return
    partitions = [(QUARANTINE.partition, "in", [folder.isoformat() for folder in folders])]
    columns = ["file", "row_number", "reasons", "row"]
    fills = dataset(QUARANTINE, warehouse.delta(QUARANTINE), partitions).scanner(
        columns=columns, filter=pc.field("dataset") == "fills"
    )
    books.add("rejected_fills", fills.to_reader())
    for kind, count, first in books.connection.execute(_REJECTED, {"pattern": _KIND}).fetchall():
        name = next(name for name, of in REJECTED.items() if of == kind)
        told = " | ".join(f"{f['file']} row {f['row_number']}: {f['reasons']}" for f in first)
        more = f" | and {count - len(first):,} more" if count > len(first) else ""
        fills_text = f"{count} fill{'s' if count != 1 else ''} of kind {kind} rejected: {told}{more}"
        yield _finding(name, "ledger.quarantine", count, fills_text, rows=first)


def _fee_sign(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Whether nearly all fees of normal fills are below zero (rules.md section 5: positive = paid).

    Ends as soon as so many are not that the rest cannot make them few: in most sessions after a twentieth of the fills.
    """
    delivered = delivered_rows(inputs.day, inputs.folders)["fills"]
    negative = fills = 0
    with inputs.task.stream("fills", ("fee",), pc.field("kind") == "normal") as batches:
        for batch in batches:
            fills += batch.num_rows
            negative += pc.sum(pc.less(batch.column("fee"), pa.scalar(0, pa.decimal128(38, 18)))).as_py() or 0
            if (fills - negative) * 100 >= delivered * (100 - FEES_PERCENT):
                return
    if fills >= FEES_FROM and negative * 100 > fills * FEES_PERCENT:
        yield _finding(
            FEE_SIGN,
            "ledger.fills",
            negative,
            f"the fee of {negative} of {fills} normal fills is below zero; a fee is positive when it is paid, a rebate "
            "is below zero: has the sign been turned?",
        )


def _repeated(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Files with the content of another one of their delivery, as load has seen them."""
    repeated: Sequence[Sequence[Any]] = inputs.day.staging.read_note("load").get("repeated", ())
    for first, again, rows in repeated:
        text = f"{again} has the content of {first}: its {rows} rows are duplicates"
        yield _finding(REPEATED_FILE, f"ledger.{again.split('/')[0]}", rows, text, again)
