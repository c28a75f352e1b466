#!/usr/bin/env bash
# arrow-dataset-reads-a-whole-file-ahead: a scanner reads all of a Parquet file while its first batch is looked at, whatever batch_readahead says.
# Expected (a good guess): with batch_readahead=1 (or 0), fragment_readahead=1 and pre_buffer off, about one row group is read
#   beyond the batch in hand.
# Seen (pyarrow 23.0.1, 2026-12-01): a file of 40 row groups: after the first batch all of its bytes are read, with every one
#   of these settings. ParquetFile.iter_batches has read one row group.
# Who meets it: whoever walks through a large file a batch at a time to stay small: a busy reader holds the whole file. What to
#   do instead: ParquetFile.iter_batches, or read_row_group one by one.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'pyarrow==23.0.1' 'numpy<3'
"$T/v/bin/python" - "$T" <<'P'
import io
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

print("pyarrow", pa.__version__)
FILE, GROUPS, ROWS = Path(sys.argv[1]) / "numbers.parquet", 40, 50_000
numbers = np.random.default_rng(1).integers(0, 2**62, GROUPS * ROWS)
pq.write_table(pa.table({"number": numbers}), FILE, row_group_size=ROWS, compression="none", use_dictionary=False)


class Counted(io.FileIO):
    """Counts the bytes that are read."""

    total = 0

    def read(self, size=-1):
        found = super().read(size)
        self.total += len(found)
        return found


def share_read(begin):
    """The share of the file that has been read once its first batch is in hand and nothing more is read."""
    file = Counted(FILE)
    batches = begin(pa.PythonFile(file, mode="r"))
    assert next(batches).num_rows <= ROWS
    before = -1
    while before != file.total:
        before = file.total
        time.sleep(0.3)
    return file.total / FILE.stat().st_size


def scanned(**settings):
    def begin(file):
        fragment = pyarrow.dataset.ParquetFileFormat().make_fragment(file)
        return pyarrow.dataset.Scanner.from_fragment(fragment, **settings).to_batches()

    return share_read(begin)


unbuffered = pyarrow.dataset.ParquetFragmentScanOptions(pre_buffer=False)
for settings in (
    {},
    {"batch_readahead": 1},
    {"batch_readahead": 0, "fragment_readahead": 0},
    {"batch_readahead": 1, "fragment_readahead": 1, "batch_size": 1000, "use_threads": False},
    {"batch_readahead": 1, "fragment_readahead": 1, "fragment_scan_options": unbuffered},
):
    share = scanned(**settings)
    print(f"{share:.0%} read with {', '.join(settings) or 'no settings'}")
    assert share > 0.95
share = share_read(lambda file: pq.ParquetFile(file).iter_batches(batch_size=ROWS))
print(f"{share:.0%} read with iter_batches")
assert share < 0.1
P
