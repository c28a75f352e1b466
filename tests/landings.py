"""The same delivery in another form: rows permuted, files renamed, a file cut into several."""

import gzip
import json
import random
import shutil
from pathlib import Path


def permute_rows(source: Path, target: Path) -> None:
    """Copy a landing zone with the data rows of every text file in another order."""
    shutil.copytree(source, target)
    for path in _text_files(target):
        header, rows = _read(path)
        random.Random(path.as_posix()[-40:]).shuffle(rows)
        _write(path, header, rows)


def split_files(landing: Path, parts: int) -> None:
    """Cut the rows of every text file into several files of one delivery, of which one may be empty."""
    for path in _text_files(landing):
        header, rows = _read(path)
        for part in range(parts):
            _write(path.with_name(f"{part}-{path.name}"), header, rows[part::parts])
        path.unlink()


def rename_files(landing: Path) -> None:
    """Give every data file a name that sorts elsewhere."""
    for path in sorted(landing.glob("*/**/*")):
        if path.is_file() and not path.name.startswith(("_", ".")):
            path.rename(path.with_name(f"{10 - len(path.name) % 7}-{path.name[::-1][-3:]}-{path.name}"))


def _text_files(landing: Path) -> list[Path]:
    endings = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
    return [
        p for p in sorted(landing.glob("*/**/*")) if p.name.endswith(endings) and not p.name.startswith(".")
    ]


def _read(path: Path) -> tuple[list[str], list[str]]:
    data = path.read_bytes()
    lines = (gzip.decompress(data) if path.name.endswith(".gz") else data).decode().splitlines()
    if ".csv" in path.suffixes:
        return lines[:1], lines[1:]
    return [], [json.dumps(json.loads(line)) for line in lines if line]


def _write(path: Path, header: list[str], rows: list[str]) -> None:
    data = "".join(f"{line}\n" for line in [*header, *rows]).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)
