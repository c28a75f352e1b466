"""CSV and JSON lines cut into cells, compiled. What has not the plain shape is left to the reference reader.

A piece of a file begins after a line end and ends with one. A line end inside quotes is never plain, so the piece in
which the first of a file stands sees it; by then every piece before it was read from its true beginning.
"""

import numpy as np

from lossledger.kernel.compiler import inlined, loop

LONGEST_CELL = 4096
PLAIN, NOT_PLAIN = 0, 1  # of a whole piece


@loop
def csv_cells(text, columns, field_of, starts, ends, lines, odd):
    """(rows, PLAIN or NOT_PLAIN). `field_of`: per column of the header the place of its field, -1 for none.

    Fills per field and row where the cell starts and ends, per row where its line does, and whether it is odd.
    """
    i, n, rows = 0, len(text), 0
    while i < n:
        line, column, strange = i, 0, False
        if text[i] == 10:
            i += 1
            continue
        if text[i] == 13:
            if i + 1 < n and text[i + 1] == 10:
                i += 2
                continue
            return rows, NOT_PLAIN
        while True:
            if i < n and text[i] == 34:
                i += 1
                start = i
                while True:
                    while i < n and text[i] != 34:
                        if text[i] == 10 or text[i] == 13:
                            return rows, NOT_PLAIN
                        i += 1
                    if i >= n:
                        return rows, NOT_PLAIN
                    if i + 1 < n and text[i + 1] == 34:
                        strange = True
                        i += 2
                        continue
                    break
                end = i
                i += 1
            else:
                start = i
                while i < n and text[i] != 44 and text[i] != 10 and text[i] != 13:
                    if text[i] == 34:
                        return rows, NOT_PLAIN
                    i += 1
                end = i
            if end - start > LONGEST_CELL:
                strange = True
            if column < columns:
                field = field_of[column]
                if field >= 0:
                    starts[field, rows], ends[field, rows] = start, end
            column += 1
            if i < n and text[i] == 44:
                i += 1
                continue
            break
        lines[rows, 0], lines[rows, 1] = line, i
        if i < n:
            if text[i] == 13:
                i += 1
                if i >= n or text[i] != 10:
                    return rows, NOT_PLAIN
            elif text[i] != 10:
                return rows, NOT_PLAIN
            i += 1
        odd[rows] = strange or column != columns
        rows += 1
    return rows, PLAIN


@inlined
def _blank(text, i, n):
    while i < n and (text[i] == 32 or text[i] == 9 or text[i] == 13):
        i += 1
    return i


@inlined
def _digits(text, i, n):
    while i < n and 48 <= text[i] <= 57:
        i += 1
    return i


@loop
def _json_number(text, i, n):
    """(end, whether it is an integer); end = i when it is none as JSON writes numbers."""
    start = i
    if text[i] == 45:
        i += 1
    first = i
    i = _digits(text, i, n)
    if i == first or (text[first] == 48 and i > first + 1):
        return start, False
    whole = True
    if i < n and text[i] == 46:
        after = i + 1
        i = _digits(text, after, n)
        if i == after:
            return start, False
        whole = False
    if i < n and (text[i] == 101 or text[i] == 69):
        i += 1
        if i < n and (text[i] == 43 or text[i] == 45):
            i += 1
        after = i
        i = _digits(text, after, n)
        if i == after:
            return start, False
        whole = False
    return i, whole


@loop
def _word(text, i, n, word):
    if i + len(word) > n:
        return False
    for k in range(len(word)):
        if text[i + k] != word[k]:
            return False
    return True


@loop
def _same(text, start, end, names, first, last):
    if end - start != last - first:
        return False
    for k in range(end - start):
        if text[start + k] != names[first + k]:
            return False
    return True


_TRUE = np.frombuffer(b"true", dtype=np.uint8)
_FALSE = np.frombuffer(b"false", dtype=np.uint8)
_NULL = np.frombuffer(b"null", dtype=np.uint8)
TEXT, DECIMAL, TIME, BOOLEAN = 0, 1, 2, 3  # what a field takes


@loop
def json_cells(text, names, name_at, takes, starts, ends, lines, odd, seen, others):
    """(rows, how many names of no field stand in `others`, PLAIN or NOT_PLAIN). A line is a flat object.

    `names`/`name_at`: the fields' names one after another; `seen`: per field whether a row has it.
    """
    i, n, rows, extra = 0, len(text), 0, 0
    fields = len(name_at) - 1
    mine = np.empty((16, 2), dtype=np.int64)
    while i < n:
        line = i
        stop = i
        while stop < n and text[stop] != 10:
            stop += 1
        i = _blank(text, i, stop)
        if i == stop:
            i = stop + 1
            continue
        strange = text[i] != 123
        expected = 0
        surplus = 0
        i += 1
        while not strange:
            i = _blank(text, i, stop)
            if i >= stop or text[i] != 34:
                strange = True
                break
            i += 1
            key = i
            while i < stop and text[i] != 34 and text[i] != 92 and text[i] >= 32:
                i += 1
            if i >= stop or text[i] != 34:
                strange = True
                break
            key_end = i
            i = _blank(text, i + 1, stop)
            if i >= stop or text[i] != 58:
                strange = True
                break
            i = _blank(text, i + 1, stop)
            if i >= stop:
                strange = True
                break
            field = -1
            if expected < fields and _same(
                text, key, key_end, names, name_at[expected], name_at[expected + 1]
            ):
                field = expected
            else:
                for f in range(fields):
                    if _same(text, key, key_end, names, name_at[f], name_at[f + 1]):
                        field = f
                        break
            expected = field + 1
            kind = -1
            if text[i] == 34:
                i += 1
                start = i
                while i < stop and text[i] != 34 and text[i] != 92 and text[i] >= 32:
                    i += 1
                if i >= stop or text[i] != 34:
                    strange = True
                    break
                end = i
                i += 1
                kind = 0
            elif text[i] == 45 or 48 <= text[i] <= 57:
                start = i
                end, whole = _json_number(text, i, stop)
                if end == i:
                    strange = True
                    break
                i = end
                kind = 1 if whole else 2
            elif _word(text, i, stop, _TRUE):
                start, end, kind = i, i + 4, 3
                i += 4
            elif _word(text, i, stop, _FALSE):
                start, end, kind = i, i + 5, 3
                i += 5
            elif _word(text, i, stop, _NULL):
                start, end, kind = i, i, 4
                i += 4
            else:
                strange = True
                break
            if end - start > LONGEST_CELL:
                strange = True
                break
            if field >= 0:
                take = takes[field]
                fits = (
                    kind == 0
                    or kind == 4
                    or (take == DECIMAL and kind != 3)
                    or (take == TIME and kind == 1)
                    or (take == BOOLEAN and kind == 3)
                )
                if not fits or starts[field, rows] >= 0:
                    strange = True
                    break
                seen[field] = 1
                starts[field, rows], ends[field, rows] = start, end
            else:
                for k in range(surplus):
                    strange |= _same(text, key, key_end, text, mine[k, 0], mine[k, 1])
                if strange or surplus == len(mine):
                    strange = True
                    break
                mine[surplus, 0], mine[surplus, 1] = key, key_end
                surplus += 1
                known = False
                for k in range(extra):
                    if _same(text, key, key_end, text, others[k, 0], others[k, 1]):
                        known = True
                        break
                if not known:
                    if extra == len(others):
                        return rows, extra, NOT_PLAIN
                    others[extra, 0], others[extra, 1] = key, key_end
                    extra += 1
            i = _blank(text, i, stop)
            if i >= stop:
                strange = True
                break
            if text[i] == 125:
                if _blank(text, i + 1, stop) != stop:
                    strange = True
                break
            if text[i] != 44:
                strange = True
                break
            i += 1
        lines[rows, 0], lines[rows, 1] = line, stop
        odd[rows] = strange
        for f in range(fields):
            if starts[f, rows] < 0 or strange:
                starts[f, rows] = ends[f, rows] = 0
        rows += 1
        i = stop + 1
    return rows, extra, PLAIN
