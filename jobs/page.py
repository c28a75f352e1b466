from pathlib import Path
from datetime import date
from jobs.warehouse import Warehouse
def write_page(warehouse: Warehouse, days: list[date], out: Path) -> None: pass
