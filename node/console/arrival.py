"""How a request arrives: within a time, and no longer than it may be.

Theory of operation. The web server gives a client all the time in the world between two bytes. Here a clock runs from
the connection, and from the first byte of each further request, until the whole request is here; then it is stopped,
however long the answer takes. A client that is not done by then loses its connection.
"""

import asyncio
from asyncio import TimerHandle, Transport
from collections.abc import Callable

import h11
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

DEADLINE_S = 20.0
"""From the first byte of a request, or the connection, to the last."""
MOST_BYTES = 64 * 1024
"""Of the body of a request: forms and small JSON objects are all that comes."""
ARRIVING = (h11.IDLE, h11.SEND_BODY)
"""The client has more of its request to send."""


def hurried(deadline_s: float) -> type[H11Protocol]:
    """uvicorn's protocol, for clients that send a whole request within so many seconds."""

    class Hurried(H11Protocol):
        _deadline: TimerHandle | None = None

        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._run_clock()

        def data_received(self, data: bytes) -> None:
            self._run_clock()
            super().data_received(data)
            if self.conn.their_state not in ARRIVING:
                self._stop_clock()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            super().connection_lost(exc)

        def _run_clock(self) -> None:
            if self._deadline is None:
                # What it has of ours it has; to wait until it took the rest would be to wait for it again.
                end: Callable[[], None] = self.transport.abort
                self._deadline = asyncio.get_running_loop().call_later(deadline_s, end)

        def _stop_clock(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Hurried


class Bounded:
    """Refuses a request whose body is too long: by what it says of itself, and by what comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with a body that ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        left = MOST_BYTES if length.isdigit() and len(length) < 10 and int(length) <= MOST_BYTES else -1

        async def within() -> Message:
            nonlocal left
            if left >= 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if left >= 0:
                    return message
            raise HTTPException(413, "What was sent is too large.")

        await self._app(scope, within, send)
