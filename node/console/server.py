"""The console's web server, in a thread of its own."""

import socket
import ssl
import threading
import time
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from node.console.arrival import DEADLINE_S, hurried

START_S = 10.0
BACKLOG = 128
MOST = 300
"""Connections at a time; a page that stands open and listens for changes holds one."""


class Server:
    """A listening port for an application; with TLS it speaks that and nothing else.

    Args:
        tls: of `node.transport.tls`, which takes renewed certificates by itself.
        deadline_s: how long a request may take to arrive.
        closing: called before it stops; ends answers that have no end of their own.

    Raises:
        OSError: the port is in use, or the address is not of this machine.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        app: ASGIApp,
        tls: ssl.SSLContext | None = None,
        deadline_s: float = DEADLINE_S,
        closing: Callable[[], None] = lambda: None,
    ) -> None:
        config = uvicorn.Config(
            app,
            http=hurried(deadline_s),
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            limit_concurrency=MOST,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=2,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(config)
        self._closing = closing
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        end = time.monotonic() + START_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < end:
            time.sleep(0.01)

    def stop(self) -> None:
        """Close the port; what is being answered is answered."""
        self._closing()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
