"""Finds the cells of a CSV text, compiled. A text that is not plain is left to the reference reader.

A piece of a file begins after a line end and ends with one. A line end inside quotes is not plain. The piece with the
first such line end of a file reports it, because every piece before it began at a true row.
"""

from lossledger.kernel.compiler import loop

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
