#!/usr/bin/env bash
# pytest-9-2-spreads-xdist-groups: with pytest 9.2 `--dist loadgroup` of pytest-xdist no longer keeps a group in one process.
# Expected (a good guess): tests marked xdist_group("shared") run in one worker, as pip takes the two releases together.
# Seen (pytest 9.2.0 and 9.1.1 with pytest-xdist 3.8.0, 2026-12-01): 20 tests of one group run in two processes with 9.2.0, in
#   one with 9.1.1. All pass, no warning (pytest-xdist#1386).
# Who meets it: suites that share something costly, or a port, by group: slower, or now and then red. What to do instead: hold
#   pytest below 9.2 until pytest-xdist follows.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v"
mkdir "$T/tests"
cat > "$T/tests/test_group.py" <<'P'
import os
from pathlib import Path

import pytest


@pytest.mark.xdist_group("shared")
@pytest.mark.parametrize("number", range(20))
def test_one_of_a_group(number):
    with Path(os.environ["PROCESSES"]).open("a") as notes:
        notes.write(f"{os.getpid()}\n")
P
processes() { # of a release of pytest that the 20 tests of one group run in
    "$T/v/bin/pip" -q install "pytest==$1" 'pytest-xdist==3.8.0'
    rm -f "$T/processes"
    PROCESSES="$T/processes" "$T/v/bin/pytest" -q -n 2 --dist loadgroup -p no:cacheprovider "$T/tests" >&2
    sort -u "$T/processes" | wc -l
}
new=$(processes 9.2.0) old=$(processes 9.1.1)
echo "one group runs in $new processes with pytest 9.2.0, in $old with 9.1.1"
test "$new" = 2 && test "$old" = 1
