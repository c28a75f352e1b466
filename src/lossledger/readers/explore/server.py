"""The page's server: listens on 127.0.0.1, accepts only local requests, and sends nothing to other machines."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from streamlit.starlette import App
from streamlit.web.bootstrap import load_config_options

from lossledger.engine.errors import ConfigError
from lossledger.readers.published.pins import open_warehouse
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.store.places import Place

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
_SCRIPT = Path(__file__).with_name("app.py")
_SETTINGS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "browser.serverAddress": HOST,
    "client.showErrorDetails": "none",  # an unexpected error is printed in the terminal, not on the page
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "logger.level": "error",
    "runner.magicEnabled": False,
    "server.address": HOST,
    "server.allowedHosts": list(_NAMES),
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.xsrfCookieSameSite": "strict",
}


class OnlyFromHere:
    """Refuses requests of other sites: those with a foreign host name or origin.

    Streamlit's own check would look up this machine's public address over the network.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
        host = urlsplit(f"//{headers.get(b'host', '')}").hostname
        origin = urlsplit(headers.get(b"origin", f"//{HOST}")).hostname
        if scope["type"] == "lifespan" or (host in _NAMES and origin in _NAMES):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse("only for this machine", 403)(scope, receive, send)


def serve(root: Place, port: int, ready: Callable[[str], None]) -> None:
    """Until Ctrl-C. `ready` gets the address when the page answers; port 0: any that is free.

    ConfigError: no warehouse, nothing published in it, or the port is taken.
    """
    _check(root)
    taken = _bind(port)
    address = f"http://{HOST}:{taken.getsockname()[1]}"
    os.environ["LOSSLEDGER_WAREHOUSE"] = str(root)
    load_config_options({**_SETTINGS, "server.port": taken.getsockname()[1]})
    app = App(_SCRIPT, middleware=[Middleware(OnlyFromHere)])
    settings = uvicorn.Config(app, log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = _NotifyingServer(settings, lambda: ready(address))
    with suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
        server.run(sockets=[taken])


class _NotifyingServer(uvicorn.Server):
    def __init__(self, settings: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(settings)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _check(root: Place) -> None:
    if not PublishedTables.open(root).days:
        raise ConfigError(f"no date is published in {open_warehouse(root).root}: lossledger run publishes")


def _bind(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen()
    except OSError as error:
        made.close()
        raise ConfigError(
            f"port {port} of {HOST} cannot be had ({error.strerror}): give another one with --port, 0 for any"
        ) from error
    return made
