"""The hashes of the keys of earlier dates."""

from collections import defaultdict

import numpy as np
import pyarrow.compute as pc

from lossledger.jobs.load.columns.hash64 import hash_text
from lossledger.jobs.load.columns.load_stages import IncomingDelivery
from lossledger.jobs.load.columns.part_layout import id_field
from lossledger.jobs.load.deliveries import Deliveries, LoadedDelivery
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import TYPED
from lossledger.store.key_hashes import hash_file, key_folder
from lossledger.store.places import Place, files_below, written
from lossledger.store.warehouse import Warehouse


def hashes_before(warehouse: Warehouse, deliveries: Deliveries, item: IncomingDelivery) -> list[str]:
    """Files with the hashes of all keys of earlier dates; none for datasets whose key contains the time."""
    name = item.dataset.name
    if id_field(item.dataset) is None:
        return []
    earlier = [d for (day, dataset), d in deliveries.loaded.items() if dataset == name and day < item.day]
    known = _kept(warehouse, item)
    return [
        path
        for d in sorted(earlier, key=lambda d: d.day)
        if d.accepted
        for path in known[_first(warehouse, d)] or [_made_again(warehouse, d, _first(warehouse, d))]
    ]


def _kept(warehouse: Warehouse, item: IncomingDelivery) -> defaultdict[Place, list[str]]:
    """The files of hashes of a dataset by the first of their delivery, listed at once: a year has hundreds."""
    found = defaultdict[Place, list[str]](list)
    for path in files_below(key_folder(warehouse.path(TYPED[item.dataset.name]))):
        delivery, _, share = path.name.rpartition("-")
        if share.endswith(".npy"):
            found[path.with_name(f"{delivery}-0.npy")].append(str(path))
    return found


def _first(warehouse: Warehouse, delivery: LoadedDelivery) -> Place:
    return hash_file(warehouse.path(TYPED[delivery.dataset]), delivery.day, delivery.sha256)


def _made_again(warehouse: Warehouse, delivery: LoadedDelivery, path: Place) -> str:
    """Compute the hashes again from the ledger when their file is missing."""
    table, name = TYPED[delivery.dataset], id_field(DATASETS[delivery.dataset])
    rows = warehouse.find(table, pc.field(table.partition) == pc.scalar(delivery.day), [str(name)])
    ids = rows.column(name).to_pylist()
    with written(path) as file:
        np.save(file, np.sort(np.array([hash_text(text) for text in ids], dtype=np.uint64)))
    return str(path)


def forget_others(warehouse: Warehouse, item: IncomingDelivery) -> None:
    """Remove the hashes of deliveries of the date that this one replaces."""
    mine = hash_file(warehouse.path(TYPED[item.dataset.name]), item.day, item.sha256)
    for path in mine.parent.glob("*.npy"):
        if not path.name.startswith(item.sha256[:24]):
            path.unlink()
