#!/usr/bin/env bash
# xlsx-writers-keep-sixteen-digits: a quarter of all doubles come back from a spreadsheet file as another double.
# Expected (a good guess): a number cell holds a double, so what is written is what is read.
# Seen (xlsxwriter 3.3.1, openpyxl 3.1.5, 2026-12-01): both write 16 significant digits into the file, and a double needs up to
#   17: of 1,000 doubles between 0 and 100,000, 251 differ after a round trip, by one or two units of the last place. A Decimal
#   goes the same way. Up to 15 digits all come back.
# Who meets it: whoever compares a spreadsheet with its source to the last digit, or looks values up by equality. What to do
#   instead: round to 15 digits before writing; write what has more as text.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'xlsxwriter==3.3.1' 'openpyxl==3.1.5'
"$T/v/bin/python" - "$T" <<'P'
import random
import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import xlsxwriter

print("xlsxwriter", xlsxwriter.__version__, "openpyxl", openpyxl.__version__)
random.seed(1)
NUMBERS = [random.random() * 100_000 for _ in range(1000)]
SHORT = [float(f"{number:.15g}") for number in NUMBERS]
LONG = Decimal("12345678901.23456789")


def by_xlsxwriter(path, values):
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_column(0, 0, values)


def by_openpyxl(path, values):
    book = openpyxl.Workbook()
    for value in values:
        book.active.append([value])
    book.save(path)


def read(path):
    return [row[0] for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]


for write in (by_xlsxwriter, by_openpyxl):
    path = Path(sys.argv[1]) / f"{write.__name__}.xlsx"
    write(path, NUMBERS)
    changed = sum(before != after for before, after in zip(NUMBERS, read(path)))
    write(path, SHORT)
    short = sum(before != after for before, after in zip(SHORT, read(path)))
    write(path, [LONG])
    print(f"{write.__name__}: {changed} of 1000 changed, {short} of 15 digits; {LONG} is read as {read(path)[0]!r}")
    assert changed == 251
    assert short == 0
    assert read(path)[0] == 12345678901.23457 != float(LONG)
P
