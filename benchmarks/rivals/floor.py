"""The floor: every dated Parquet file is read and written once, zstd level 1, in two processes. Nothing is computed.

usage: python -m benchmarks.rivals.floor LANDING OUT
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def copy(source: Path, target: Path) -> None:
    pa.set_cpu_count(1)
    pq.write_table(pq.ParquetFile(source).read(), target, compression="zstd", compression_level=1)


def main(landing: Path, out: Path) -> None:
    sources = sorted(landing.glob("*/date=*/*.parquet"))
    targets = [out / f"{number:05d}.parquet" for number in range(len(sources))]
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(copy, sources, targets))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
