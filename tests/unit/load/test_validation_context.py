"""What rows are judged by reaches the tasks as data that is parsed, never as code that is run."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from lossledger.engine.intake.judge import InstrumentVersion, Reference
from lossledger.engine.versions import Versions
from lossledger.jobs.load.columns.validation_context import ValidationContext, read_context, write_context
from lossledger.store.id_numbers import Numbers

KNOWN = ValidationContext(
    Reference(
        scales={"USDT": 6, "BTC": 8},
        settlement={"BTC-PERP": "USDT"},
        instruments={
            "BTC-PERP": Versions(
                [
                    (0, InstrumentVersion(10**17, 10**15)),
                    (1_760_000_000_000_000, InstrumentVersion(10**37, 1)),
                ]
            )
        },
        accounts={"a": 5, "ä": 1_760_000_000_000_000},
    ),
    Numbers(
        {
            "account": pa.array(["ä", "a", "gone"]),
            "currency": pa.array(["BTC", "USDT"]),
            "instrument": pa.array(["BTC-PERP"]),
        }
    ),
)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    write_context(KNOWN, tmp_path / "context.arrow")
    found = read_context(str(tmp_path / "context.arrow"))
    assert found.reference.scales == KNOWN.reference.scales
    assert found.reference.settlement == KNOWN.reference.settlement
    assert dict(found.reference.accounts) == dict(KNOWN.reference.accounts)
    assert found.reference.instruments["BTC-PERP"].items() == KNOWN.reference.instruments["BTC-PERP"].items()
    assert {k: a.to_pylist() for k, a in found.numbers.arrays.items()} == {
        k: a.to_pylist() for k, a in KNOWN.numbers.arrays.items()
    }
    for name in ("account_from", "account_bucket", "settlement", "version_at", "version_from"):
        assert np.array_equal(getattr(found, name), getattr(KNOWN, name)), name
    assert found.grids == KNOWN.grids


def test_nothing_known_is_read_as_nothing(tmp_path: Path) -> None:
    write_context(ValidationContext(Reference(), Numbers()), tmp_path / "context.arrow")
    found = read_context(str(tmp_path / "context.arrow"))
    assert dict(found.reference.accounts) == {}
    assert not found.numbers.arrays["account"]


def test_the_file_is_arrow(tmp_path: Path) -> None:
    """A worker that ran what it reads would run what anybody with write access to staging puts there."""
    write_context(KNOWN, tmp_path / "context.arrow")
    assert pa.ipc.open_file((tmp_path / "context.arrow").read_bytes()).read_all().num_rows == 1
