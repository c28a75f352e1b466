"""Landing zone and warehouse in an object store: the same commands, the same numbers."""

import pickle
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

import lossledger.jobs.attribute.trades as trades
import lossledger.jobs.load.columns.load_stages as load_stages
from lossledger.cli.main import main
from lossledger.cli.stage import main as stage
from lossledger.jobs import publish
from lossledger.jobs.day import Day
from lossledger.jobs.load.landing_zone import LandedTables, dataset_days, landed_files
from lossledger.jobs.spark.session import spark_conf
from lossledger.jobs.stages import NAMES
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.registry import TABLES
from lossledger.store.places import Place, files_below, place
from lossledger.store.published_dates import PublishedDate, published_days
from lossledger.store.warehouse import Warehouse
from tests.cases import DATA, case_days
from tests.s3 import BUCKET, KEY_ID, SECRET, s3_server
from tests.scenarios import run_range
from tests.unchecked import unchecked_request

FIRST, SECOND, THIRD = case_days("edges")
FREE = "name: free\nreason: a test\npolicy: {sharing: none}\n"
Command = Callable[..., None]


class Store(NamedTuple):
    """Two dates, published from files in a bucket into another prefix of it, and the same on this machine's disk."""

    landing: str
    warehouse: str
    local: Path


def upload(source: Path, target: str) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            where = place(f"{target}/{path.relative_to(source)}")
            where.write_bytes(path.read_bytes())


def hashes(root: Place) -> dict[date, str]:
    return {day: row.output_sha256 for day, row in published_days(Warehouse(root)).items()}


def tables(store: Store) -> set[str]:
    """The names of all files of tables: none is written without a new name."""
    return {str(path) for path in files_below(place(store.warehouse)) if "/staging/" not in str(path)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The first date by `run`, the second stage by stage; by columns, whose files pass through the store as well."""
    local = tmp_path_factory.mktemp("local") / "warehouse"
    run_range(DATA / "edges" / "landing", local, FIRST, SECOND)
    made = Store(f"s3://{BUCKET}/landing", f"s3://{BUCKET}/ware house/eu=1", local)
    with s3_server(), pytest.MonkeyPatch.context() as patch:
        for door in ("lossledger.cli.main", "lossledger.cli.stage"):
            patch.setattr(sys.modules[door], "request_from", unchecked_request)
        patch.setattr(trades, "NET_IN_TASKS_FROM_ROWS", 0)
        patch.setattr(load_stages, "LEDGER_FILE_ROWS", 5)
        upload(DATA / "edges" / "landing", made.landing)
        place(f"{made.landing}/scenarios/free.yaml").write_text(FREE)
        common = ["--landing", made.landing, "--warehouse", made.warehouse, "--engine", "local"]
        assert main(["run", *common, "--from", str(FIRST), "--to", str(FIRST)]) == 0
        for name in NAMES:
            assert stage([name, *common, "--business-date", str(SECOND)]) == 0
        yield made


def run_args(store: Store, *more: str, first: date = FIRST, last: date = SECOND) -> list[str]:
    places = ["--landing", store.landing, "--warehouse", store.warehouse]
    return ["run", *places, "--engine", "local", "--from", str(first), "--to", str(last), *more]


def test_the_numbers_are_those_of_a_local_disk(store: Store) -> None:
    """Every hash of every table, and what a reader reads."""
    on_store, on_disk = Warehouse(place(store.warehouse)), Warehouse(store.local)
    here, there = published_days(on_disk), published_days(on_store)
    assert {day: row.table_sha256 for day, row in there.items()} == {
        day: row.table_sha256 for day, row in here.items()
    }


def test_repeating_it_changes_nothing(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    before = tables(store)
    assert main(run_args(store)) == 0
    assert capsys.readouterr().out.endswith(f"{FIRST} to {SECOND}: nothing changed\n")
    assert tables(store) == before


def test_a_scenario_is_a_copy_without_links(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """It starts from the published state, takes the place of one with another definition, and is compared."""
    before = tables(store)
    old = place(f"{store.warehouse}/scenarios/free")
    (old / "scenario.json").write_text("{}")
    (old / "left" / "over.parquet").write_text("of another definition")
    assert main(run_args(store, "--scenario", "free", first=SECOND)) == 0
    assert not (old / "left" / "over.parquet").exists()
    compared = ["compare", "--warehouse", store.warehouse, "--left", "published", "--right", "free"]
    assert main(compared) == 0
    assert "overrides sharing = none (a test)" in capsys.readouterr().out
    assert {name for name in tables(store) if "/scenarios/" not in name} == before


def test_status_says_what_is_published(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--warehouse", store.warehouse]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"published  2 dates, {FIRST} to {SECOND}\n")
    assert f"--warehouse {store.warehouse} --from" in out


def test_a_command_that_asked_a_store_ends_its_process(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Taking Python down beside Arrow's threads would abort it now and then, after all was done."""
    ended: list[int] = []
    monkeypatch.setattr("atexit._run_exitfuncs", lambda: None)
    monkeypatch.setattr("os._exit", ended.append)
    monkeypatch.setattr(sys, "argv", ["lossledger", "status", "--warehouse", store.warehouse])
    main()
    assert ended == [0]
    assert capsys.readouterr().out.startswith("published")


def test_explain_tells_the_same(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a liquidation that went over midnight: all of it but when it was published."""
    told = []
    for warehouse in (store.warehouse, str(store.local)):
        arguments = ["--account", "e08_over_midnight", "--date", str(SECOND)]
        assert main(["explain", "--warehouse", warehouse, *arguments]) == 0
        told.append(
            [line for line in capsys.readouterr().out.splitlines() if not line.startswith("published")]
        )
    versions = [[line.split(" version ")[0] for line in lines] for lines in told]
    assert versions[0] == versions[1]


def test_a_run_that_slept_before_it_published_publishes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has written its tables; meanwhile another one takes it for dead, and publishes the date."""
    publishing, args = publish._commit, run_args(store, first=THIRD, last=THIRD)
    published: list[PublishedDate] = []

    def asleep(day: Day, row: PublishedDate) -> None:
        monkeypatch.setattr(publish, "_commit", publishing)
        monkeypatch.setattr("lossledger.store.lease._age", lambda path, tag, seconds: 3600)
        assert main(args) == 0
        published.append(published_days(Warehouse(place(store.warehouse)))[THIRD])
        publishing(day, row)

    monkeypatch.setattr(publish, "_commit", asleep)
    assert main(args) == 4
    assert "this run was held up" in capsys.readouterr().err
    warehouse = Warehouse(place(store.warehouse))
    assert [published_days(warehouse)[THIRD]] == published
    for name, version in published[0].table_versions.items():
        assert warehouse.version(TABLES[name]) >= version
    assert main(run_args(store, first=THIRD, last=THIRD)) == 0


def test_nobodys_secret_is_in_what_is_written_or_handed_on(store: Store) -> None:
    """Tables, logs of tables, notes and leases; and what Spark is told, which it shows to whoever asks."""
    words = (SECRET.encode(), KEY_ID.encode())
    assert not [
        path for path in files_below(place(store.warehouse)) if any(w in path.read_bytes() for w in words)
    ]
    told = str(spark_conf()) + str(pickle.dumps(place(store.warehouse)))
    assert SECRET not in told and KEY_ID not in told


# what goes wrong is one line ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("gs://bucket/w", "gs://bucket/w: a folder, or s3://BUCKET/PREFIX, is what is wanted"),
        ("s3:///w", "s3:///w: s3://BUCKET/PREFIX is what is wanted"),
    ],
)
def test_no_place(where: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["status", "--warehouse", where])
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(f"argument --warehouse: {said}\n")


@pytest.mark.parametrize("command", [["demo", "--folder"], ["simulate", "--seed", "1", "--landing"]])
def test_what_only_writes_files_wants_a_folder(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "s3://bucket/demo"])
    assert end.value.code == 2
    assert "s3://bucket/demo: this must be a folder of this machine" in capsys.readouterr().err


def test_without_the_library_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "lossledger.store.bucket", raising=False)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(SystemExit):
        main(["status", "--warehouse", "s3://bucket/w"])
    assert "object stores need what lossledger[s3] installs (obstore)" in capsys.readouterr().err


def test_a_bucket_that_is_not_there(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = store._replace(warehouse="s3://elsewhere/w")
    assert main(run_args(elsewhere)) == 2
    assert "s3://elsewhere/w" in (err := capsys.readouterr().err)
    assert "there is no such bucket: create it, or correct the name" in err
    assert main(["status", "--warehouse", "s3://elsewhere/w"]) == 2
    assert main(run_args(store._replace(landing="s3://elsewhere/landing"))) == 2


def test_a_landing_zone_that_is_not_there(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run_args(store._replace(landing=f"s3://{BUCKET}/nothing"))) == 2
    assert f"landing folder s3://{BUCKET}/nothing does not exist" in capsys.readouterr().err


def test_landing_zone_and_warehouse_are_kept_apart(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run_args(store._replace(warehouse=f"{store.landing}/below"))) == 2
    assert "lie in one another: keep them apart" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "status"])
def test_a_store_that_is_away(
    command: str, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked again for as long as is set, then the code of a passing fault; nobody's secret is in the line."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LOSSLEDGER_STORE_SECONDS", "1")
    arguments = run_args(store) if command == "run" else ["status", "--warehouse", store.warehouse]
    assert main(arguments) == 4
    err = capsys.readouterr().err
    assert "(store http://127.0.0.1:9): the store does not answer, also when asked again" in err
    assert err.count("\n") == 1
    assert KEY_ID not in err and SECRET not in err


def test_a_delta_table_of_a_store_is_read_by_its_log(store: Store, tmp_path: Path) -> None:
    """Files that are no longer alive stay where they are, and are not read."""
    table = pa.table({"fill_id": ["f1", "f2"], "date": [str(FIRST), str(SECOND)]})
    for mode in ("error", "overwrite"):
        write_deltalake(tmp_path / "fills", table, mode=mode, partition_by=["date"])
    landing = place(f"s3://{BUCKET}/with tables")
    upload(tmp_path / "fills", f"{landing}/fills")
    tables = LandedTables(landing)
    assert dataset_days(landing, DATASETS["fills"], tables) == [FIRST, SECOND]
    [file] = landed_files(landing, DATASETS["fills"], FIRST, None, tables)
    [name] = [uri for uri in DeltaTable(tmp_path / "fills").file_uris() if f"date={FIRST}" in uri]
    assert file.path == f"fills/date={FIRST}/{Path(name).name}"
    assert tables.version(DATASETS["fills"], FIRST) == 1
