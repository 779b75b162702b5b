"""Pages that stand open hear of changes: an event whenever the worklist's mark is another (WHATWG HTML 9.2).

Theory of operation. However many browsers listen, the database is asked once in `every_s` and never while nobody does;
between two looks no browser holds a connection to it. A stream ends after `lasting_s`, and the browser comes again
through the door: so a session that has ended hears nothing more, and none is kept by listening. It brings back the last
mark that it knows, or the one that its page was made with, so that no change falls between two streams.
"""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from db import worklist
from db.engine import Database
from db.errors import DatabaseError
from node.console.access import Visit

MOST = 200
"""Browsers that may listen at a time; the next one is told to come again later."""


class Live:
    """Tells browsers that something changed; what did, they ask for themselves.

    Args:
        every_s: seconds between two looks.
        lasting_s: seconds after which a browser has to come again.
    """

    def __init__(self, database: Database, *, every_s: float = 1.0, lasting_s: float = 30.0) -> None:
        self._database = database
        self._every_s = every_s
        self._lasting_s = lasting_s
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._mark = ""
        self._listening = 0
        self._closed = False

    def close(self) -> None:
        """End every stream soon; called in any thread."""
        self._closed = True

    def changes(self, visit: Visit) -> Response:
        """The stream of a browser.

        Raises:
            HTTPException: too many listen.
        """
        if self._listening >= MOST:
            raise HTTPException(503, "Too many pages listen for changes.")
        request = visit.request
        known = request.headers.get("last-event-id") or request.query_params.get("known", "")
        return StreamingResponse(self._events(known), media_type="text/event-stream")

    async def _events(self, known: str) -> AsyncIterator[str]:
        end = time.monotonic() + self._lasting_s
        self._listening += 1
        try:
            yield "retry: 1000\n\n"
            while True:
                mark = await self._look()
                if mark != known:
                    yield f"id: {mark}\nevent: change\ndata: {mark}\n\n"
                    known = mark
                if self._closed or time.monotonic() >= end:
                    return
                await asyncio.sleep(self._every_s)
        except DatabaseError:
            return  # the browser comes again, and the door says what is the matter
        finally:
            self._listening -= 1

    async def _look(self) -> str:
        """The mark, no older than a look ago."""
        async with self._looking:
            if time.monotonic() - self._looked_at >= self._every_s:
                self._mark = await run_in_threadpool(self._ask)
                self._looked_at = time.monotonic()
            return self._mark

    def _ask(self) -> str:
        with self._database.read() as connection:
            return worklist.mark(connection)
