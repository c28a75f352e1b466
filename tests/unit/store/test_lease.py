"""One writer of a warehouse in an object store: a lease, and a token that shuts out a holder that comes back."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import pytest

import lossledger.store.lease as lease_module
from lossledger.cli.main import main
from lossledger.engine.errors import ConfigError, ConflictError
from lossledger.schemas.core import Type
from lossledger.schemas.ops import PUBLISHED_DAYS, RUNS
from lossledger.schemas.registry import TABLES
from lossledger.store.arrow import to_arrow
from lossledger.store.bucket import StorePath
from lossledger.store.lease import LeaseHeld, take_lease
from lossledger.store.places import place
from lossledger.store.staging import Staging
from lossledger.store.warehouse import Warehouse
from tests.builders import small_landing
from tests.s3 import BUCKET, CONDITIONS, s3_server

DAY = date(2025, 10, 10)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def path(server: str, request: pytest.FixtureRequest) -> StorePath:
    where = place(f"s3://{BUCKET}/{request.node.name}/.lock")
    assert isinstance(where, StorePath)
    return where


@pytest.fixture(scope="module")
def root(server: str) -> StorePath:
    """A warehouse with two tables: the more there are, the longer they take to make."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(TABLES) - {RUNS.full_name, PUBLISHED_DAYS.full_name}:
            patch.delitem(TABLES, name)
        where = place(f"s3://{BUCKET}/warehouse")
        assert isinstance(where, StorePath)
        Warehouse.create(where)
        yield where


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes a lease now is not heard of again: for others an hour has passed, for itself no time at all."""
    monkeypatch.setattr(lease_module, "_keep", lambda lease, ended: None)
    monkeypatch.setattr(lease_module, "_age", lambda path, tag, seconds: 3600)


def note(warehouse: Warehouse, run_id: str) -> None:
    row = {c.name: "" if c.type is Type.TEXT else 0 for c in RUNS.columns} | {"run_id": run_id}
    warehouse.append(RUNS, to_arrow(RUNS, [row], business_date=DAY))


@contextmanager
def lost() -> Iterator[None]:
    """However the work of a holder ends: it is told at the end that it has lost the lease."""
    with pytest.raises(ConflictError, match="this run was held up for more than 60 s and may have lost"):
        yield


def noted(root: StorePath) -> list[str]:
    return sorted(Warehouse(root).read(RUNS).column("run_id").to_pylist())


# the lease ----------------------------------------------------------------------------------------------


def test_one_holds_it_and_the_next_is_told_since_when(path: StorePath) -> None:
    held = take_lease(path, "here")
    with pytest.raises(
        LeaseHeld, match=r"another run is writing to here, and said so \d s ago: try again when"
    ):
        take_lease(path, "here")
    held.free()
    assert take_lease(path, "here").token == held.token + 1


def test_of_two_that_find_it_free_one_gets_it(path: StorePath, monkeypatch: pytest.MonkeyPatch) -> None:
    take_lease(path, "here").free()
    found = lease_module._get

    def overtaken(where: StorePath, seconds: int) -> object:
        answer = found(where, seconds)
        monkeypatch.undo()
        take_lease(path, "here")
        return answer

    monkeypatch.setattr(lease_module, "_get", overtaken)
    with pytest.raises(LeaseHeld, match="another run has just begun to write to here"):
        take_lease(path, "here")


def test_a_dead_ones_lease_is_taken_over_after_a_stated_time(
    path: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = take_lease(path, "here")
    for age, dies in ((60, False), (61, True)):
        monkeypatch.setattr(lease_module, "_age", lambda path, tag, seconds, age=age: age)
        if not dies:
            with pytest.raises(
                LeaseHeld, match="said so 60 s ago: try again when it is done; if it is dead, in 1 s"
            ):
                take_lease(path, "here")
    heir = take_lease(path, "here")
    assert heir.took_over and heir.token == dead.token + 1
    with pytest.raises(ConflictError, match="may have lost here to another one: run the same command again"):
        dead.renew()
    with pytest.raises(ConflictError):
        dead.check()
    heir.renew()
    heir.check()


def test_the_age_is_that_of_the_stores_clock(path: StorePath, monkeypatch: pytest.MonkeyPatch) -> None:
    held = take_lease(path, "here")
    assert lease_module._age(path, held._tag, 60) <= 2
    assert lease_module._age(path, "another tag", 60) == 0


def test_a_renewal_whose_answer_was_lost_is_one_all_the_same(path: StorePath) -> None:
    held = take_lease(path, "here")
    before = held._tag
    held.renew()
    held._tag = before  # as if nobody had told
    held.renew()
    held.check()


def test_who_slept_for_too_long_writes_nothing(path: StorePath, monkeypatch: pytest.MonkeyPatch) -> None:
    held = take_lease(path, "here")
    now = lease_module._now()
    monkeypatch.setattr(lease_module, "_now", lambda: now + 60)
    with pytest.raises(ConflictError, match="held up for more than 60 s"):
        held.check()


@pytest.mark.parametrize("ignored", [CONDITIONS, CONDITIONS[:1], CONDITIONS[1:]])
def test_a_store_that_ignores_conditions_is_refused_before_anything_is_written(
    ignored: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two runs would both hold the lease there. Of the lock itself nothing is left either."""
    landing = small_landing(tmp_path / "landing")
    words = ["run", "--engine", "local", "--landing", str(landing), "--warehouse", f"s3://{BUCKET}/w"]
    with s3_server(ignored):
        assert main([*words, "--from", "2025-10-09", "--to", "2025-10-09"]) == 2
        assert list(place(f"s3://{BUCKET}/w").rglob("*")) == []
    [line] = capsys.readouterr().err.splitlines()
    assert f"the store ignores the condition {ignored[0]} of a put, so two runs could write at once" in line


def test_where_a_lease_stands_from_before_it_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is forgotten would be given again, and tables refuse a token that is smaller than theirs."""
    with s3_server(CONDITIONS), monkeypatch.context() as trusting:
        where = place(f"s3://{BUCKET}/w/.lock")
        trusting.setattr(lease_module, "require_conditions", lambda *_: None)
        take_lease(where, "here").free()
        trusting.undo()
        found = json.loads(where.read_text())
        with pytest.raises(ConfigError, match="the store ignores the condition"):
            take_lease(where, "here")
        assert json.loads(where.read_text()) == found


# the token ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", ["before", "after"])
def test_a_holder_that_comes_back_can_commit_to_no_table(root: StorePath, silent: None, seen: str) -> None:
    """It does not know that it lost the lease, whether it had opened the table before that or opens it now."""
    before = noted(root)
    with lost(), ExitStack() as paused, ExitStack() as next_one:
        asleep, heir = Warehouse(root), Warehouse(root)
        paused.enter_context(asleep.locked())
        if seen == "before":
            assert asleep.read(RUNS).num_rows == len(before)
            assert asleep.version(PUBLISHED_DAYS) >= 0
        next_one.enter_context(heir.locked())
        for _ in range(2):
            with pytest.raises(ConflictError):
                note(asleep, "asleep")
            with pytest.raises(ConflictError):
                asleep.replace_day(PUBLISHED_DAYS, asleep.read(PUBLISHED_DAYS).slice(0, 0), DAY)
            note(heir, f"heir {seen}")
    assert noted(root) == sorted([*before, *[f"heir {seen}"] * 2])


def test_also_when_its_successor_is_done_and_gone(root: StorePath, silent: None) -> None:
    before = noted(root)
    asleep, heir = Warehouse(root), Warehouse(root)
    with lost(), asleep.locked():
        with heir.locked():
            pass
        with pytest.raises(ConflictError):
            note(asleep, "asleep")
    assert noted(root) == before


def test_what_it_committed_in_time_its_successor_sees(root: StorePath, silent: None) -> None:
    asleep, heir = Warehouse(root), Warehouse(root)
    with lost(), asleep.locked():
        heir.version(RUNS)  # as it was before that
        note(asleep, "in time")
        with heir.locked():
            assert "in time" in heir.read(RUNS).column("run_id").to_pylist()


def test_what_it_stages_is_written_beside_and_not_read(server: str) -> None:
    root = place(f"s3://{BUCKET}/staged")
    asleep, heir = Staging(root, DAY, 9), Staging(root, DAY, 10)
    asleep.write_note("load", {"of": 9})
    assert heir.read_note("load") == {"of": 9}  # the stages before, maybe of another process
    heir.write_note("load", {"of": 10})
    asleep.write_note("load", {"of": 9})
    assert heir.read_note("load") == Staging(root, DAY).read_note("load") == {"of": 10}
    assert asleep._file(RUNS, 1) != heir._file(RUNS, 1)
