"""The hashes of the keys of earlier dates."""

import numpy as np
import pyarrow.compute as pc

from jobs.load.columns.delivery import Incoming
from jobs.load.columns.hashing import hash_text
from jobs.load.columns.layout import id_field
from jobs.load.deliveries import Deliveries, Delivery
from schemas.inputs import DATASETS
from schemas.ledger import TYPED
from store.key_hashes import hash_file
from store.places import Place, written
from store.warehouse import Warehouse


def hashes_before(warehouse: Warehouse, deliveries: Deliveries, item: Incoming) -> list[str]:
    """Files with the hashes of all keys of earlier dates; none where the key holds the time."""
    name = item.dataset.name
    if id_field(item.dataset) is None:
        return []
    earlier = [d for (day, dataset), d in deliveries.loaded.items() if dataset == name and day < item.day]
    return [path for d in sorted(earlier, key=lambda d: d.day) if d.accepted for path in _files(warehouse, d)]


def _files(warehouse: Warehouse, delivery: Delivery) -> list[str]:
    first = hash_file(warehouse.path(TYPED[delivery.dataset]), delivery.day, delivery.sha256)
    found = sorted(first.parent.glob(f"{delivery.sha256[:24]}-*.npy"))
    return [str(path) for path in found] or [_made_again(warehouse, delivery, first)]


def _made_again(warehouse: Warehouse, delivery: Delivery, path: Place) -> str:
    """From the ledger, where the file is not there."""
    table, name = TYPED[delivery.dataset], id_field(DATASETS[delivery.dataset])
    rows = warehouse.find(table, pc.field(table.partition) == pc.scalar(delivery.day), [str(name)])
    ids = rows.column(name).to_pylist()
    with written(path) as file:
        np.save(file, np.sort(np.array([hash_text(text) for text in ids], dtype=np.uint64)))
    return str(path)


def forget_others(warehouse: Warehouse, item: Incoming) -> None:
    """Remove the hashes of what was delivered for the date before."""
    mine = hash_file(warehouse.path(TYPED[item.dataset.name]), item.day, item.sha256)
    for path in mine.parent.glob("*.npy"):
        if not path.name.startswith(item.sha256[:24]):
            path.unlink()
