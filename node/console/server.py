"""The console's web server, in a thread of its own."""

import ipaddress
import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp

from node.errors import SettingsError

START_S = 10.0
BACKLOG = 128


class Server:
    """A listening port for an application, on this machine only.

    Raises:
        SettingsError: `host` is an address that other machines reach.
    """

    def __init__(self, *, host: str, port: int, app: ASGIApp) -> None:
        require_loopback(host)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                limit_concurrency=64,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        end = time.monotonic() + START_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < end:
            time.sleep(0.01)

    def stop(self) -> None:
        """Close the port; what is being answered is answered."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


def require_loopback(host: str) -> None:
    """Refuse to show the console to other machines: it has neither TLS nor a login."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise SettingsError(
            f"console.host {host} would show the console to other machines without TLS and a login; use 127.0.0.1"
        )
