"""A web server for peers that tests make themselves."""

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class WebServer(ThreadingHTTPServer):
    """One whose callers may be killed, or leave when they have heard enough; what else goes wrong is said."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is what the caller's test is about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
