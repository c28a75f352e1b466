"""What is published, as hashes: as the night wrote them down, as delta-rs reads the rows, as Spark SQL reads them."""

import json
from datetime import date
from pathlib import Path

from lossledger.schemas.registry import PUBLISHED
from lossledger.store.lease import FREE
from lossledger.store.places import Place, place, text_of
from lossledger.store.published_dates import PublishedDate, published_days
from lossledger.store.warehouse import Warehouse, content_hash
from scripts.stacktest.compose import Failed, compose

SPARK_READER = Path(__file__).with_name("spark_rows.py")
Hashes = dict[str, str]


def published(root: str, day: date) -> PublishedDate:
    """The row of ops.published_days; Failed when the date is not published."""
    found = published_days(Warehouse(place(root))).get(day)
    if found is None:
        raise Failed(f"{day} is not published in {root}")
    return found


def held(root: str) -> bool:
    """Whether a run has the lease of a warehouse in the store."""
    said = text_of(place(root) / ".lock")
    return bool(said) and json.loads(said)["count"] != FREE


def read_by_delta_rs(root: Place | str, day: date) -> Hashes:
    """A hash of the rows of every published table, by delta-rs and as of the published versions."""
    warehouse, row = Warehouse(place(root)), published(str(root), day)
    return {
        name: content_hash([(table, warehouse.read(table, day, row.table_versions[name]))])
        for name, table in PUBLISHED.items()
    }


def read_by_spark(root: str, day: date) -> Hashes:
    """The same by Spark SQL, on the cluster."""
    script = SPARK_READER.read_text()
    said = compose("run", "--rm", "-T", "job", "python", "-", root, day.isoformat(), given=script)
    return dict(json.loads(said.strip().rpartition("\n")[2]))


def expect_same(one: Hashes, other: Hashes, what: str) -> None:
    """Failed with the names of the tables that differ."""
    differ = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    if differ or not one:
        raise Failed(f"{what}: {', '.join(differ) or 'nothing to compare'}")
