"""Where Spark's Python workers are forked from, by the setting `spark.python.daemon.module`.

Spark puts an archive of PySpark before the environment that has the same PySpark, and a worker reads the contents of
every archive on its path anew before every task: 0.14 s of each. So the archives leave the path before anything comes
from them.
"""

import gc
import sys
from importlib import import_module


def main() -> None:
    """Fork workers until Spark closes the standard input."""
    sys.path[:] = [place for place in sys.path if not place.endswith(".zip")]
    sys.path_importer_cache.clear()
    from pyspark.daemon import manager

    import_module("lossledger.kernel.session")  # what tasks import longest, once instead of in each worker
    gc.freeze()  # a worker looks for garbage after every task: not in what it began with
    manager()


if __name__ == "__main__":
    main()
