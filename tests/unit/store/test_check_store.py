"""`lossledger check-store`: two writers race in a store, it says what it saw, and leaves nothing behind."""

from concurrent.futures import Future
from threading import BrokenBarrierError

import pytest

import lossledger.store.trial as trial
from lossledger.cli.main import main
from lossledger.engine.errors import ConflictError
from lossledger.store.places import place
from lossledger.store.race import RaceResult, Round, _results, _summed
from tests.s3 import BUCKET, CONDITIONS, s3_server

NEW = f"s3://{BUCKET}/new"


def test_a_store_that_keeps_to_its_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    with s3_server():
        assert main(["check-store", NEW, "--rounds", "10"]) == 0
        assert list(place(NEW).rglob("*")) == []
    *seen, fit = capsys.readouterr().out.splitlines()
    assert seen == [
        "one after another   a put whose condition does not hold is refused (If-None-Match, If-Match)",
        "lease               asked for by two at once, 10 times: 10 times one got it, 0 times both, 0 times nobody",
        "Delta table         written by two at once, 10 times: 20 commits called done, 0 of their rows lost",
        "dead holder         came back after another one had taken over, 1 times: 1 times refused, 0 times let in",
    ]
    assert fit.startswith(f"{NEW}: this store is fit for a warehouse")


def test_one_that_ignores_them(capsys: pytest.CaptureFixture[str]) -> None:
    with s3_server(CONDITIONS):
        assert main(["check-store", NEW]) == 2
        assert list(place(NEW).rglob("*")) == []
    [line] = capsys.readouterr().err.splitlines()
    assert "the store ignores the condition If-None-Match of a put" in line


@pytest.mark.parametrize(
    "seen",
    [
        RaceResult(40, alone=39, both=1),
        RaceResult(40, commits=80, lost=1),
        RaceResult(40, refused=3, let_in=1),
    ],
)
def test_one_that_looks_and_writes_in_two_steps(
    seen: RaceResult, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One thing that happened once is enough."""
    monkeypatch.setattr(trial, "race", lambda root, rounds: seen)
    with s3_server():
        assert main(["check-store", NEW]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "is not fit for a warehouse: two writers at once are not kept apart" in line


def test_a_folder_needs_no_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-store", "warehouse"]) == 2
    assert "warehouse is a folder of this machine" in capsys.readouterr().err


def test_what_two_racers_saw_is_put_together() -> None:
    first = [Round(True, True, ""), Round(True, True, "refused"), Round(False, True, "")]
    second = [Round(False, True, ""), Round(True, False, "let in"), Round(False, True, "")]
    assert _summed(3, [first, second]) == RaceResult(
        3, alone=1, both=1, nobody=1, commits=5, refused=1, let_in=1
    )


def test_a_racer_that_dies_is_told_and_not_who_waited_for_it() -> None:
    waited: Future[list[Round]] = Future()
    waited.set_exception(BrokenBarrierError())
    died: Future[list[Round]] = Future()
    died.set_exception(OSError("no such thing"))
    with pytest.raises(ConflictError, match=r"a writer of the race ended by an error: .*no such thing"):
        _results([waited, died])
