"""Where machine code is kept: beside the sources when that is possible, and never in the way of a run."""

from pathlib import Path
from typing import Any

import pytest
from numba.core import caching

from lossledger.kernel import code_cache, compiler
from lossledger.kernel.wide import added


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose folders nobody may write to, with the cache in tmp_path."""

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(code_cache, "cache_of", lambda _: tmp_path)
    monkeypatch.setattr(caching.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", refuse)
    return tmp_path


def test_a_warmed_cache_is_read_where_it_may_not_be_written(read_only: Path) -> None:
    code_cache.keep_only_current()
    located = compiler._CacheOfRoom(added.py_func).locator
    assert located.get_cache_path() == str(read_only / code_cache.stamp())


def test_code_for_another_processor_is_compiled_in_memory(read_only: Path) -> None:
    code_cache.keep_only_current()
    function = compiler.compiled(added.py_func)
    assert function(1, 2, 10) == 3
    assert function(7, 7, 10) == 10
    assert sorted(path.name for path in (read_only / code_cache.stamp()).iterdir()) == [code_cache.WARM]


def test_nothing_can_be_kept_anywhere(read_only: Path) -> None:
    assert compiler.compiled(added.py_func)(1, 2, 10) == 3


def test_what_older_sources_left_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cache, "cache_of", lambda _: tmp_path)
    (tmp_path / "older").mkdir()
    code_cache.keep_only_current()
    assert [path.name for path in tmp_path.iterdir()] == [code_cache.stamp()]


def test_a_constant_at_a_call_makes_no_second_version() -> None:
    added(1, 2, 1 << 58)
    added(True, 2, 5)
    assert len(added.signatures) == 1
