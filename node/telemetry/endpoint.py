"""A small port for machines that watch, where a process has no console: workers, receivers, roles.

Each process has its own, on the first free port from the one in the settings on: a machine's receivers and workers
share their settings. Prometheus' other way, files that processes share, has neither memory and descriptors of a
process nor collectors, and a killed process leaves its files behind.
"""

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from node.telemetry.watch import Watch

PORTS = 16
"""How many ports are tried."""
SILENT_S = 5.0
"""How long a caller may say nothing."""


class Endpoint:
    """A listening port, which is taken when it is made.

    Raises:
        OSError: none of the ports is free.
    """

    def __init__(self, *, host: str, port: int, watch: Watch) -> None:
        self._server = _bound(host, port, watch)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True  # a port that another listens on is refused all the same
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A caller that hung up is no fault of ours."""


def _bound(host: str, port: int, watch: Watch) -> _Server:
    class Handler(BaseHTTPRequestHandler):
        timeout = SILENT_S

        def do_GET(self) -> None:
            answer = watch.answer(self.path.partition("?")[0])
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def version_string(self) -> str:
            return "cxr-node"

        def log_message(self, *_: Any) -> None:
            """Who scrapes is no event."""

    server: type[_Server] = (
        type("_Server6", (_Server,), {"address_family": socket.AF_INET6}) if ":" in host else _Server
    )
    for each in range(port, port + PORTS - 1):
        with suppress(OSError):
            return server((host, each), Handler)
    return server((host, port + PORTS - 1), Handler)
