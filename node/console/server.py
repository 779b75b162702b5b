"""The console's web server, in a thread of its own."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from node.errors import SettingsError

START_S = 10.0
BACKLOG = 128
MOST = 300
"""Connections at a time; a page that stands open and listens for changes holds one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The certificate chain (PEM) that the console shows, and its private key, if not in the same file."""

    chain: Path
    key: Path | None


class Server:
    """A listening port for an application; with a certificate it speaks TLS and nothing else.

    Args:
        closing: called before it stops; ends answers that have no end of their own.

    Raises:
        SettingsError: the certificate or its key cannot be used.
        OSError: the port is in use, or the address is not of this machine.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        app: ASGIApp,
        certificate: Certificate | None = None,
        closing: Callable[[], None] = lambda: None,
    ) -> None:
        config = uvicorn.Config(
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
            limit_concurrency=MOST,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=2,
            ssl_certfile=certificate.chain if certificate else None,
            ssl_keyfile=certificate.key if certificate else None,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise SettingsError("console.tls_certificate or tls_key cannot be used; give PEM files") from error
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
