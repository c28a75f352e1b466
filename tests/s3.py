"""An S3 server in this process, for tests of what is kept in an object store."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import pytest

BUCKET = "lossledger"
KEY_ID, SECRET = "test-key-id", "test-secret"
CONDITIONS = ("If-None-Match", "If-Match")


@contextmanager
def s3_server(ignored: tuple[str, ...] = ()) -> Iterator[str]:
    """Its address; the environment says that it is the store and who asks, and forgets both at the end.

    `ignored`: headers of a request that it does not look at, such as CONDITIONS.
    """
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _one_at_a_time(server._server, ignored)
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        environment.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
        environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        environment.setenv("AWS_REGION", "us-east-1")
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=BUCKET)
        try:
            yield endpoint
        finally:
            server.stop()


def _one_at_a_time(server: Any, ignored: tuple[str, ...]) -> None:
    """Two conditional puts at once could both be done otherwise, and a listing during a put answers 500."""
    app, lock = server.app, Lock()

    def serve(environ: Any, start_response: Any) -> list[bytes]:
        for header in ignored:
            environ.pop(f"HTTP_{header.upper().replace('-', '_')}", None)
        with lock:
            return list(app(environ, start_response))

    server.app = serve
