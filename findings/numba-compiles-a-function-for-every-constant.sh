#!/usr/bin/env bash
# numba-compiles-a-function-for-every-constant: compiled code that calls a function with n constants compiles it n times.
# Expected (a good guess): one version for (int64, int64), as when Python makes the same calls.
# Seen (numba 0.68.1, 2026-12-01): 20 calls with the constants 0 to 19 from compiled code leave 20 versions, each for a
#   Literal[int]; from Python they leave one. A constant in a variable is a constant still; with a declared signature there
#   is one version.
# Who meets it: whoever wonders why compiling takes long, and grows with the number of calls. What to do instead: declare the
#   signature of what is called, or hand constants down as arguments of the outermost function.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'numba==0.68.1'
"$T/v/bin/python" - <<'P'
import numba

print("numba", numba.__version__)
CALLS = 20


def caller(called, lines):
    """A compiled function whose body is these lines."""
    names = {"called": called}
    exec("def call(a):\n    total = 0\n" + lines + "    return total\n", names)
    return numba.njit(names["call"])


def add(a, b):
    return a + b


def versions(called, lines):
    assert caller(called, lines)(1) == CALLS + sum(range(CALLS))
    return len(called.signatures)


constants = "".join(f"    total += called(a, {number})\n" for number in range(CALLS))
named = "".join(f"    b{number} = {number}\n    total += called(a, b{number})\n" for number in range(CALLS))
by_python = numba.njit(add)
for number in range(CALLS):
    by_python(1, number)
counts = {
    "called from Python": len(by_python.signatures),
    "constants in compiled code": versions(numba.njit(add), constants),
    "constants with a name": versions(numba.njit(add), named),
    "declared signature": versions(numba.njit("int64(int64, int64)")(add), constants),
}
print(counts)
assert list(counts.values()) == [1, CALLS, CALLS, 1]
P
