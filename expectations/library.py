"""Great Expectations, imported without the libraries of expectations that no suite has: a third of a cold start.

It imports Spark, Altair and SciPy for engines, charts and distributions of its own. Here they are not there while it
is imported; whoever imports them afterwards finds them as ever.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_OPTIONAL = "pyspark"  # it looks whether this is installed
_UNUSED = ("altair", "scipy", "scipy.stats")  # it uses them when such an expectation is evaluated


def great_expectations() -> Any:
    """The library. Its KL divergence and Kolmogorov-Smirnov expectations and its Spark engine may be missing."""
    with _left_out():
        import great_expectations as gx
        import great_expectations.expectations

    return gx


@contextmanager
def _left_out() -> Iterator[None]:
    modules: dict[str, Any] = {name: ModuleType(name) for name in _UNUSED}
    modules["scipy"].stats = modules["scipy.stats"]
    modules[_OPTIONAL] = None  # as when it is not installed
    given = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(given)
    try:
        yield
    finally:
        for name in given:
            del sys.modules[name]
