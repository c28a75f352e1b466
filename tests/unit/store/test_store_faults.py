"""A store that is overloaded, breaks off or is slow: asked again for as long as is set, then one line and code 4."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from lossledger.cli.main import main
from lossledger.store.places import place
from lossledger.store.store_client import store_error

STATUS = ["status", "--warehouse", "s3://bucket/w"]


class Store:
    """Counts what it is asked. `fault`: what it does before it is well, and for how many requests."""

    def __init__(self, fault: str, times: float) -> None:
        self.fault, self.times, self.asked, self.over = fault, times, 0, Event()


class Handler(BaseHTTPRequestHandler):
    """Answers `well` when it is."""

    store: Store

    def do_GET(self) -> None:
        self.store.asked += 1
        if self.store.asked > self.store.times:
            self._answer(200, b"well")
        elif self.store.fault == "overloaded":
            self._answer(503, b"SlowDown")
        elif self.store.fault == "breaks off":
            self._reset()
        else:
            self.store.over.wait()

    do_HEAD = do_GET

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        for name, value in (
            ("Content-Length", str(len(body))),
            ("ETag", '"1"'),
            ("Last-Modified", "Fri, 10 Oct 2025 00:00:00 GMT"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test counts."""


@contextmanager
def faulty(fault: str, times: float = float("inf"), patience_s: int = 1) -> Iterator[Store]:
    """A store on this machine which the environment names."""
    store = Store(fault, times)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Faulty", (Handler,), {"store": store}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "key-id")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
        environment.setenv("LOSSLEDGER_STORE_SECONDS", str(patience_s))
        try:
            yield store
        finally:
            store.over.set()
            server.shutdown()
            server.server_close()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("overloaded", "the store answers 503"),
        ("breaks off", "the store does not answer"),
        ("is slow", "the store does not answer"),
    ],
)
def test_asked_again_and_then_one_line(fault: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with faulty(fault) as store:
        assert main(STATUS) == 4
    err = capsys.readouterr().err
    assert f"{said}, also when asked again" in err
    assert err.count("\n") == 1 and "planted-secret" not in err
    assert 1 <= store.asked <= 12 if fault == "is slow" else 2 <= store.asked <= 12


@pytest.mark.parametrize("fault", ["overloaded", "breaks off"])
def test_a_fault_that_passes_is_not_seen(fault: str) -> None:
    with faulty(fault, times=2, patience_s=60) as store:
        assert place("s3://bucket/object").read_bytes() == b"well"
    assert store.asked == 3


def test_a_store_that_lacks_something_is_not_asked_again() -> None:
    """It is no passing fault: code 2, and Airflow does not try again for an hour."""
    answer = OSError("Server returned non-2xx status code: 501 Not Implemented: <Code>NotImplemented</Code>")
    error = store_error(answer, "s3://bucket/w/.lock")
    assert error.exit_code == 2
    assert "such as a put on condition (If-None-Match, If-Match): another store is needed" in str(error)
