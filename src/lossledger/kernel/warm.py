"""Compile the kernel into its cache, so that no run waits for it: `python -m lossledger.kernel.warm`.

`make setup` and the image call it. The code is made for the processor it is called on; an image that shall run on
others sets NUMBA_CPU_NAME=generic while it is built and while it runs.
"""

import sys
from typing import Any

from lossledger.kernel.code_cache import ROOM, cache_of, keep_only_current
from lossledger.kernel.columns import coarsen, on_grid, words_on_grid
from lossledger.kernel.session import run, run_wide
from lossledger.kernel.states import candidates_at, marks_at, values_at


def main() -> int:
    """Compile what Python calls, and with it all the rest; or find it compiled."""
    functions: tuple[Any, ...] = (
        run,
        run_wide,
        on_grid,
        words_on_grid,
        coarsen,
        marks_at,
        values_at,
        candidates_at,
    )
    for function in functions:
        function.compile(())
    keep_only_current()
    print(f"kernel: compiled into {cache_of(ROOM)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
