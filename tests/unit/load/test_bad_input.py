"""Whatever is wrong with a call or a delivery: one clear line, the right exit code, nothing published."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lossledger.cli.main import main
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, D11, POLICY, published_rows, run_dates, small_landing

pytestmark = pytest.mark.usefixtures("unchecked_cli")

CONFIG, DATA, CONFLICT = 2, 3, 4
Spoil = Callable[[Path], object]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


def run(landing: Path, warehouse: Path, *more: str, first: object = D9, last: object = D10) -> int:
    call = ["run", "--engine", "local", "--landing", str(landing), "--warehouse", str(warehouse)]
    return main([*call, "--from", str(first), "--to", str(last), *more])


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one error on stderr (warnings may stand before it)."""
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("lossledger: error: ")
    return lines[0].removeprefix("lossledger: error: ")


def rewrite(path: str, old: str, new: str) -> Spoil:
    """Replace a text in a delivered file."""

    def spoil(landing: Path) -> None:
        text = (landing / path).read_text()
        assert old in text
        (landing / path).write_text(text.replace(old, new))

    return spoil


def policy(line: str) -> Spoil:
    return lambda landing: (landing / "policy.yaml").write_text(f"{POLICY}  {line}\n")


def file(path: str, content: bytes) -> Spoil:
    def spoil(landing: Path) -> None:
        (landing / path).parent.mkdir(parents=True, exist_ok=True)
        (landing / path).write_bytes(content)

    return spoil


FILLS = "fills/date=2025-10-09"
HEADER = b"fill_id,trade_id,ts,account_id,instrument_id,side,price,quantity,fee,kind\n"
SPOILED: list[tuple[str, Spoil, int, str]] = [
    ("no landing folder", shutil.rmtree, CONFIG, "does not exist: give --landing"),
    ("policy is no YAML", rewrite("policy.yaml", "- valid", "- [valid"), CONFIG, "is not YAML"),
    ("policy is no list", lambda p: (p / "policy.yaml").write_text("trigger: lt"), CONFIG, "expected a list"),
    ("entry without valid_from", rewrite("policy.yaml", "valid_from", "trigger"), CONFIG, "a map with valid_from"),
    ("valid_from is no time", rewrite("policy.yaml", "2020-01-01", "soon"), CONFIG, "'soon' is not an ISO-8601 time"),
    ("valid_from in seconds", rewrite("policy.yaml", "2020-01-01", "1577836800"), CONFIG, "to be in seconds"),
    ("unknown policy key", policy("latency_ms: 5"), CONFIG, "unknown key 'latency_ms'; known are"),
    ("policy key not yet", policy("correction_days: 3"), CONFIG, "correction_days: not yet"),
    ("unknown policy value", policy("sharing: fair"), CONFIG, "sharing: 'fair' is none of"),
    ("session_start not in quotes", policy("session_start: 10:00"), CONFIG, "write it in quotes, like '08:00'"),
    ("session_start is no time", policy("session_start: '24:00'"), CONFIG, "'24:00' is not text HH:MM"),
    ("rate is no decimal", policy("slippage_rate: .nan"), CONFIG, "slippage_rate: '.nan' is not a decimal"),
    ("latency with a fraction", policy("latency_us: 0.5"), CONFIG, "not a whole number of microseconds"),
    ("floor finer than a unit", policy("fund_floor: {USD: '0.001'}"), CONFIG, "USD is finer than its ledger unit"),
    ("floor of no currency", policy("fund_floor: {EUR: '1'}"), CONFIG, "EUR, which is not in LANDING/currencies"),
    ("unknown dataset", lambda p: (p / "trades").mkdir(), DATA, "trades: unknown dataset folder; known are accounts"),
    ("dataset not yet", lambda p: (p / "owners").mkdir(), DATA, "owners: not yet; this version does not read it"),
    ("folder that is no date", lambda p: (p / "fills/today").mkdir(), DATA, "date=YYYY-MM-DD"),
    ("dataset without files", lambda p: shutil.rmtree(p / "accounts"), DATA, "accounts has no files"),
    ("unknown file type", file(f"{FILLS}/f.xlsx", b""), DATA, "f.xlsx: not one of the file types .csv"),
    ("column missing", rewrite(f"{FILLS}/data.csv", "side", "way"), DATA, "missing required column side"),
    ("semicolons", rewrite(f"{FILLS}/data.csv", ",", ";"), DATA, "one column found: is the delimiter a comma?"),
    ("tabs", rewrite("accounts/data.csv", ",", "\t"), DATA, "one column found: is the delimiter a comma?"),
    ("column twice", rewrite(f"{FILLS}/data.csv", "trade_id", "fill_id"), DATA, "twice in the header"),
    ("no header at all", file(f"{FILLS}/b.csv", b""), DATA, "b.csv: missing required column"),
    ("cut off gzip", file(f"{FILLS}/b.csv.gz", b"\x1f\x8b\x08\x00\x00"), DATA, "b.csv.gz: damaged file"),
    ("no gzip", file(f"{FILLS}/b.jsonl.gz", b"{}"), DATA, "b.jsonl.gz: damaged file"),
    ("cut off Parquet", file(f"{FILLS}/b.parquet", b"PAR1"), DATA, "b.parquet: damaged file"),
    ("cut off JSON", file(f"{FILLS}/b.jsonl", b'{"fill_id":'), DATA, "b.jsonl: damaged file"),
    ("JSON that is no object", file(f"{FILLS}/b.jsonl", b"[1]"), DATA, "a line is not a JSON object"),
    ("not UTF-8", file(f"{FILLS}/b.csv", HEADER + b"\xff"), DATA, "b.csv: damaged file"),
    ("quote that never ends", file(f"{FILLS}/b.csv", HEADER + b'"a'), DATA, "b.csv: damaged file"),
    ("rate falls", rewrite("margin_tiers/data.csv", "0.01", "0.001"), DATA, "rejected: its rate falls"),
    ("first floor", rewrite("margin_tiers/data.csv", ",0,", ",1,"), DATA, "rejected: its first floor is not 0"),
    ("held, no table", rewrite("margin_tiers/data.csv", "2020-01", "2026-01"), DATA, "no effective margin table"),
    ("too much quarantined", rewrite("policy.yaml", "'0.5'", "'0.4'"), DATA, "1 of 2 rows are quarantined, more than"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "code", "message"), [case[1:] for case in SPOILED], ids=[case[0] for case in SPOILED]
)
def test_bad_landing_zone(
    landing: Path, tmp_path: Path, spoil: Spoil, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "quarantined" in message:
        rewrite(f"{FILLS}/data.csv", "f1,x1", "f1,")(landing)
    spoil(landing)
    assert run(landing, tmp_path / "warehouse") == code
    assert message in error_line(capsys)
    assert published_rows(tmp_path / "warehouse") == 0


def other_folder(root: Path) -> None:
    root.mkdir()
    (root / "notes.txt").write_text("mine")


def first_edition(root: Path) -> None:
    root.mkdir()
    (root / "lossledger.json").write_text('{"warehouse_format": 1}')


def later_edition(root: Path) -> None:
    root.mkdir()
    (root / "lossledger.json").write_text('{"warehouse_format": 99}')


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (other_folder, "not empty and no Lossledger warehouse"),
        (first_edition, "run again from the raw files (the landing zone) into a new warehouse"),
        (later_edition, "written by an incompatible version (format 99, this one writes 5)"),
        (lambda root: root.write_text(""), "cannot write to warehouse"),
    ],
    ids=["folder of something else", "first edition", "incompatible version", "a file"],
)
def test_bad_warehouse(
    landing: Path, tmp_path: Path, prepare: Spoil, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path / "warehouse")
    before = sorted(tmp_path.rglob("warehouse*"))
    assert run(landing, tmp_path / "warehouse") == CONFIG
    assert message in error_line(capsys)
    assert sorted(tmp_path.rglob("warehouse*")) == before


def test_warehouse_that_cannot_be_written(
    landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(landing, tmp_path / "file" / "warehouse") == CONFIG
    assert "cannot write to warehouse" in error_line(capsys)


def test_locked_warehouse(landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second writer is told to come back; nothing waits and nothing is mixed up."""
    with Warehouse.create(tmp_path / "warehouse").locked():
        assert run(landing, tmp_path / "warehouse") == CONFLICT
    assert "another run is writing to" in error_line(capsys)
    assert run(landing, tmp_path / "warehouse", last=D9) == 0


def test_dates_in_the_wrong_order(landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(landing, tmp_path / "warehouse", first=D10, last=D9) == CONFIG
    assert error_line(capsys) == "--from 2025-10-10 is after --to 2025-10-09"
    assert not (tmp_path / "warehouse").exists()


def test_gap_after_the_last_published_date(
    landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No date is left out: each is computed from the one before."""
    warehouse = tmp_path / "warehouse"
    run_dates(landing, warehouse, D9)
    before = published_rows(warehouse)
    assert run(landing, warehouse, first=D11, last=D11) == CONFIG
    assert "leaves a gap after the last published date 2025-10-09: run from 2025-10-10" in error_line(capsys)
    assert run(landing, warehouse, first="2025-10-08", last=D9) == CONFIG
    assert "2025-10-08 is before the first date of this warehouse: run from 2025-10-09" in error_line(capsys)
    assert published_rows(warehouse) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--policy", "nowhere.yaml"], "nowhere.yaml cannot be read: No such file or directory"),
        (["--scenario", "nowhere"], "nowhere.yaml cannot be read: No such file or directory"),
        (["--scenario", "../policy"], "plain file name"),
    ],
)
def test_files_that_are_named_and_not_there(
    landing: Path, tmp_path: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(landing, tmp_path / "warehouse", *more) == CONFIG
    assert message in error_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["run"], "the following arguments are required: --landing"),
        (
            ["run", "--landing", "l", "--warehouse", "w", "--from", "1.10.", "--to", "x"],
            "'1.10.' is not a date",
        ),
        (["run", "--partitions", "0"], "'0' is not a number of at least 1"),
    ],
)
def test_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == CONFIG
    assert message in capsys.readouterr().err


def test_traceback_only_when_asked_for(
    landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(landing)
    assert run(landing, tmp_path / "warehouse", "--debug") == CONFIG
    assert "Traceback" in capsys.readouterr().err
