"""Columns of texts, compiled: times, ids, look-ups and hashes. A text is a span of a buffer; an empty one is null."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from lossledger.engine.intake.parsing import FIRST_MICROS, LAST_MICROS
from lossledger.jobs.load.columns.hash64 import AVALANCHE, MULTIPLIER, SEED
from lossledger.kernel.compiler import inlined, loop
from lossledger.kernel.wide import word_at
from lossledger.store.arrow import texts

PLAIN_LENGTH = 256  # longer ids may be valid, but are not plain
_SPACE, _PRINTABLE = np.uint8(32), np.uint8(127 - 32)
_K, _A, _S = np.uint64(MULTIPLIER), np.uint64(AVALANCHE), np.uint64(SEED)
_FIRST_MICROS, _LAST_MICROS = np.int64(FIRST_MICROS), np.int64(LAST_MICROS)
_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], dtype=np.int64)
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


@inlined
def _number(text, start, count):
    """The number in `count` digits, -1 when one is none."""
    value = 0
    for i in range(start, start + count):
        if not 48 <= text[i] <= 57:
            return -1
        value = value * 10 + int(text[i]) - 48
    return value


@loop
def _days(year, month, day):
    """Days since 1970-01-01, or a number below all dates when there is no such date."""
    if year < 1 or not 1 <= month <= 12 or day < 1:
        return np.int64(-(1 << 40))
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    length = _MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0)
    if day > length:
        return np.int64(-(1 << 40))
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    return days + _DAYS_BEFORE[month - 1] + (1 if leap and month > 2 else 0) + day - 1


@loop
def parse_time(text, start, end):
    """(plain, microseconds): integer microseconds, a date, or ISO-8601 to a minute or finer and Z or +00:00."""
    length = end - start
    signed = length > 1 and (text[start] == 45 or text[start] == 43)
    digits = length - 1 if signed else length
    if 0 < digits <= 18:
        value = _number(text, end - digits, digits)
        if value >= 0:
            plain = _FIRST_MICROS <= value <= _LAST_MICROS and text[start] != 45
            return plain, value if plain else 0
    if length < 10 or text[start + 4] != 45 or text[start + 7] != 45:
        return False, 0
    days = _days(_number(text, start, 4), _number(text, start + 5, 2), _number(text, start + 8, 2))
    if days < -(1 << 39):
        return False, 0
    if length == 10:
        return True, days * 86_400_000_000
    if length >= 22 and text[end - 6] == 43 and text[end - 3] == 58:
        if _number(text, end - 5, 2) != 0 or _number(text, end - 2, 2) != 0:
            return False, 0
        end, length = end - 5, length - 5  # +00:00 is in the place of Z
    elif text[end - 1] != 90:
        return False, 0
    if length < 17 or text[start + 10] != 84 or text[start + 13] != 58:
        return False, 0
    hour, minute = _number(text, start + 11, 2), _number(text, start + 14, 2)
    second, micros = 0, 0
    if length > 17:
        if length < 20 or text[start + 16] != 58:
            return False, 0
        second = _number(text, start + 17, 2)
        if length > 20:
            if text[start + 19] != 46 or length == 21:
                return False, 0
            for i in range(start + 20, end - 1):
                if not 48 <= text[i] <= 57:
                    return False, 0
                place = i - start - 20
                if place < 6:
                    micros = micros * 10 + int(text[i]) - 48
                elif text[i] != 48:
                    return False, 0
            for _ in range(6 - (length - 21)):
                micros *= 10
    if not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
        return False, 0
    return True, days * 86_400_000_000 + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros


@loop
def parse_times(text, starts, ends, good, out):
    """Times of a column of texts; a null is not plain."""
    for row in range(len(starts)):
        plain, out[row] = parse_time(text, starts[row], ends[row])
        if not plain or ends[row] - starts[row] > PLAIN_LENGTH:
            good[row] = 0


@loop
def parse_bools(text, starts, ends, good, out):
    """`true`, `false` or null, which is false."""
    for row in range(len(starts)):
        s, length = starts[row], ends[row] - starts[row]
        out[row] = 0
        if (
            length == 4
            and text[s] == 116
            and text[s + 1] == 114
            and text[s + 2] == 117
            and text[s + 3] == 101
        ):
            out[row] = 1
        elif length == 5 and text[s] == 102 and text[s + 1] == 97 and text[s + 2] == 108:
            if text[s + 3] != 115 or text[s + 4] != 101:
                good[row] = 0
        elif length != 0:
            good[row] = 0


@inlined
def _odd_bytes(text, start, end):
    """Whether not all bytes are printable ASCII; looks at all of them, so that many are looked at in one step."""
    odd = np.uint8(0)
    for byte in text[start:end]:
        odd |= np.uint8(byte - _SPACE) >= _PRINTABLE
    return odd != 0


@loop
def plain_ids(text, starts, ends, good):
    """Ids of printable ASCII and ordinary length; anything else is not plain."""
    together = True
    for row in range(len(starts)):
        length = ends[row] - starts[row]
        if length == 0 or length > PLAIN_LENGTH:
            good[row] = 0
        together &= starts[row] == ends[max(row, 1) - 1] or row == 0
    if together and (not len(starts) or not _odd_bytes(text, starts[0], ends[-1])):
        return  # a column by itself is looked at as one text
    for row in range(len(starts)):
        if good[row] and _odd_bytes(text, starts[row], ends[row]):
            good[row] = 0


@inlined
def _hash(text, start, end, seed):
    """64 bits of a text."""
    h = seed ^ (np.uint64(end - start) * _K)
    i = np.int64(start)
    while i < end:
        if i + 8 <= end:
            word = word_at(text, i)
        else:
            word, shift = np.uint64(0), np.uint64(0)
            for at in range(i, end):
                word |= np.uint64(text[at]) << shift
                shift += np.uint64(8)
        h = (h ^ word) * _K
        h ^= h >> np.uint64(29)
        i += 8
    h = (h ^ (h >> np.uint64(32))) * _A
    return h ^ (h >> np.uint64(29))


@inlined
def hash_span(text, start, end):
    """Compiled form of jobs.load.columns.hash64.hash_text: equal texts have equal hashes in both."""
    return _hash(text, start, end, _S)


@loop
def hash_twice(text, starts, ends, first, second):
    """Two hashes of each of a column of texts: 128 bits."""
    for row in range(len(starts)):
        first[row] = _hash(text, starts[row], ends[row], _S)
        second[row] = _hash(text, starts[row], ends[row], _A)


@loop
def hash_spans(text, starts, ends, out):
    """Hashes of a column of texts."""
    for row in range(len(starts)):
        out[row] = hash_span(text, starts[row], ends[row])


class NameTable(NamedTuple):
    """A closed set of names as a hash table: the place of each in the order given."""

    text: np.ndarray
    offsets: np.ndarray
    slots: np.ndarray


@loop
def _fill(text, offsets, slots):
    mask = np.uint64(len(slots) - 1)
    for n in range(len(offsets) - 1):
        at = hash_span(text, offsets[n], offsets[n + 1]) & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = n


def names_table(names: pa.Array) -> NameTable:
    """A table to look names up in."""
    text, at = texts(names)
    slots = np.full(max(8, 1 << (2 * len(names)).bit_length()), -1, dtype=np.int32)
    _fill(text, at, slots)
    return NameTable(text, at, slots)


@loop
def look_up(text, starts, ends, name_text, offsets, slots, out):
    """The index of every text of a column among the names; -1 unknown, -2 null."""
    mask = np.uint64(len(slots) - 1)
    for row in range(len(starts)):
        start, length = starts[row], ends[row] - starts[row]
        if length == 0:
            out[row] = -2
            continue
        at = hash_span(text, start, ends[row]) & mask
        out[row] = -1
        while slots[at] >= 0:
            n = slots[at]
            first = offsets[n]
            if offsets[n + 1] - first == length:
                same = True
                for i in range(length):
                    if name_text[first + i] != text[start + i]:
                        same = False
                        break
                if same:
                    out[row] = n
                    break
            at = (at + np.uint64(1)) & mask


@loop
def copy_spans(text, starts, ends, offsets, out):
    """The texts of a column, one after another."""
    for row in range(len(starts)):
        at = offsets[row]
        for i in range(starts[row], ends[row]):
            out[at] = text[i]
            at += 1
