"""Great Expectations, imported without what no suite uses: much of a cold start.

It imports Spark, Altair and SciPy for engines, charts and distributions of its own, Amazon's library for stores of its
own, and makes a model of every argument of every reader of files that Spark and pandas have. Here they are not there
while it is imported; whoever imports them afterwards finds them as ever.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_OPTIONAL = ("pyspark", "boto3", "botocore")  # it looks whether these are installed
_UNUSED = ("altair", "scipy", "scipy.stats")  # it uses them when such an expectation is evaluated
# Its package imports all sources; ours are tables of a database.
_SOURCES = "great_expectations.datasource.fluent"
_FILES = ("", "_file_path", "_filesystem", "_dbfs", "_s3", "_google_cloud_storage", "_azure_blob_storage")


class _Nothing(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def great_expectations() -> Any:
    """The library. Its KL divergence and Kolmogorov-Smirnov expectations, its Spark engine and its sources of files
    may be missing."""
    with _left_out():
        import great_expectations as gx
        import great_expectations.expectations

    return gx


@contextmanager
def _left_out() -> Iterator[None]:
    modules: dict[str, Any] = {name: ModuleType(name) for name in _UNUSED}
    modules["scipy"].stats = modules["scipy.stats"]
    modules |= dict.fromkeys(_OPTIONAL)  # as when it is not installed
    sources = [f"{_SOURCES}.{engine}{files}_datasource" for engine in ("pandas", "spark") for files in _FILES]
    modules |= {name: _Nothing(name) for name in sources}
    given = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(given)
    try:
        yield
    finally:
        for name in given:
            del sys.modules[name]
