"""What is installed: reading takes the core alone, the rest comes in extras (pyproject.toml)."""

from importlib.util import find_spec

from lossledger.engine.errors import ConfigError

EXTRAS = {
    "night": (
        "pyspark",
        "py4j",
        "delta",
        "great_expectations",
        "duckdb_engine",
        "pandas",
        "numba",
        "llvmlite",
    ),
    "airflow": ("airflow",),
    "s3": ("obstore",),
    "adapters": ("lz4",),
    "report": ("jinja2", "markupsafe", "vl_convert", "typst", "xlsxwriter", "jsonschema", "altair"),
    "explore": ("streamlit", "starlette", "uvicorn", "altair", "vl_convert"),
}


def need(extra: str) -> None:
    """ConfigError when a part of the extra is not installed: told before any work is done."""
    missing = [module for module in EXTRAS[extra] if find_spec(module) is None]
    if missing:
        raise _not_installed(extra, missing[0])


def not_installed(error: ModuleNotFoundError) -> ConfigError | None:
    """What to install for a module that was not found; None when it is of no extra."""
    module = (error.name or "").partition(".")[0]
    extra = next((extra for extra, modules in EXTRAS.items() if module in modules), None)
    return _not_installed(extra, module) if extra else None


def _not_installed(extra: str, module: str) -> ConfigError:
    return ConfigError(f"this needs {module}, which is not installed here: pip install 'lossledger[{extra}]'")
