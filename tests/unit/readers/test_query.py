"""SQL over published dates: exact to the last digit, shown at the currency's scale, and read-only for real."""

import csv
import json
import signal
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lossledger.cli.main import main
from lossledger.engine.errors import ConfigError
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.query.interruption import run_interruptible
from lossledger.readers.query.query_result import to_plain
from lossledger.readers.query.sql_query import query_lines
from lossledger.store.warehouse import Warehouse
from tests.builders import D10
from tests.lived import case_warehouse

# What a file, the network, a setting, another statement or the program's own memory could be reached by.
HOSTILE = (
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM read_json('https://127.0.0.1:1/x')",
    "SELECT * FROM delta_scan('{root}/attribution/session_losses')",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{new}''')",
    "SELECT * FROM query_table('/etc/passwd')",
    "SELECT getenv('HOME')",
    "SELECT * FROM tables",
    "SELECT * FROM sqlite_scan('{file}', 't')",
    "COPY (SELECT 1) TO '{new}'",
    "COPY session_losses FROM '{file}'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{new}'",
    "EXPORT DATABASE '{new}'",
    "ATTACH '{new}'",
    "ATTACH '{new}' AS x (TYPE sqlite)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "SET lock_configuration = false",
    "SET memory_limit = '100GB'",
    "PRAGMA enable_logging('FileSystem')",
    "CALL enable_logging()",
    "CREATE TABLE x AS SELECT 1",
    "DROP VIEW attribution.session_losses",
    "DELETE FROM session_losses",
    "CREATE SECRET (TYPE s3)",
    "SELECT 1; COPY (SELECT 1) TO '{new}'",
    "SELECT 1; SELECT 2",
    "",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield case_warehouse("recorded_profit", D10, tmp_path_factory.mktemp("query") / "warehouse")


def lines(root: Path, sql: str | None, form: str = "table") -> list[str]:
    return list(query_lines(root, sql, form))


def test_amounts_are_exact_and_have_as_many_decimals_as_the_ledger(root: Path) -> None:
    found = lines(
        root, "SELECT currency, account_id, charge FROM socialised_losses ORDER BY charge DESC", "csv"
    )
    scales = PublishedTables.open(root).scales
    rows = list(csv.DictReader(found))
    assert rows
    assert all(len(row["charge"].partition(".")[2]) == scales[row["currency"]] for row in rows)
    stored = PublishedTables.open(root).rows("attribution.socialised_losses").column("charge").to_pylist()
    assert sorted(Decimal(row["charge"]) for row in rows) == sorted(stored)


def test_no_digit_is_lost_where_there_are_more_than_the_currency_has() -> None:
    assert to_plain(Decimal("1.234567890123456789"), 2) == "1.234567890123456789"
    assert to_plain(Decimal("1.500000000000000000"), 2) == "1.50"
    assert to_plain(Decimal("-100.000000000000000000")) == "-100"
    assert to_plain(Decimal("100000000000000000000")) == "100000000000000000000"


def test_programs_get_exact_text_and_parquet_the_types(root: Path, tmp_path: Path) -> None:
    sql = "SELECT currency, deficit FROM session_losses ORDER BY ALL"
    rows = json.loads("".join(lines(root, sql, "json")))
    out = tmp_path / "x.parquet"
    assert list(query_lines(root, sql, "parquet", out=out)) == []
    data = pq.read_table(out)
    assert str(data.schema.field("deficit").type) == "decimal128(38, 18)"
    assert [Decimal(row["deficit"]) for row in rows] == data.column("deficit").to_pylist()
    assert lines(root, "SELECT 1 AS one WHERE false", "json") == ["[]"]


def test_a_table_has_names_a_line_and_its_points_below_each_other(root: Path) -> None:
    sql = "SELECT * FROM (VALUES (1.5::DECIMAL(38,18), 'a'), (20::DECIMAL(38,18), NULL)) t(amount, name) ORDER BY 1"
    assert lines(root, sql) == ["amount  name", "------  ----", "   1.5  a", "  20", "(2 rows)"]


@pytest.mark.parametrize("sql", HOSTILE)
def test_sql_reaches_published_rows_and_nothing_else(root: Path, tmp_path: Path, sql: str) -> None:
    file = next((root / "attribution" / "session_losses").rglob("*.parquet"))
    tables = [1, 2, 3]  # a variable of the program, which SQL must not find by its name
    new = tmp_path / "new"
    before = sorted(root.rglob("*"))
    with pytest.raises(ConfigError) as refused:
        lines(root, sql.format(file=file, root=root, new=new))
    assert "\n" not in str(refused.value) and tables
    assert sorted(root.rglob("*")) == before and not new.exists()


def test_the_database_itself_is_shut(root: Path, tmp_path: Path) -> None:
    with PublishedTables.open(root).connect() as database:
        for sql in HOSTILE[:5] + HOSTILE[15:27]:
            file = next((root / "attribution" / "session_losses").rglob("*.parquet"))
            with pytest.raises(Exception, match=r"disabled|locked|not|Cannot|cannot"):
                database.execute(sql.format(file=file, root=root, new=tmp_path / "new")).fetchall()
        assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM sesion_losses", 'Did you mean "session_losses"'),
        ("SELECT defcit FROM session_losses", '"deficit"'),
        ("SELEC 1", "syntax error"),
        ("SELECT sum(deficit * deficit * deficit) FROM session_losses", "SQL: "),
    ],
)
def test_a_mistake_is_one_line_with_a_hint(
    root: Path, capsys: pytest.CaptureFixture[str], sql: str, said: str
) -> None:
    assert main(["query", "--warehouse", str(root), sql]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_without_a_published_date_it_says_so(tmp_path: Path) -> None:
    Warehouse.create(tmp_path / "w")
    with pytest.raises(ConfigError, match="no date is published"):
        lines(tmp_path / "w", "SELECT 1")
    assert lines(tmp_path / "w", None)[0] == "published  no date yet"


def test_without_sql_there_is_every_table_with_its_columns(root: Path) -> None:
    text = "\n".join(lines(root, None))
    assert "attribution.session_losses  one row: " in text
    assert all(name in text for name in PublishedTables.open(root).names)


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Python raises at Ctrl-C, also where the shell has started the tests in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_ends_a_query_that_never_would(root: Path) -> None:
    sql = "SELECT count(*) FROM range(100000000000) a, range(100000) b"
    with PublishedTables.open(root).connect([]) as database:
        main_thread = threading.main_thread().ident
        with pytest.raises(KeyboardInterrupt):
            threading.Timer(0.3, signal.pthread_kill, [main_thread, signal.SIGINT]).start()
            run_interruptible(database, database.execute, sql)
