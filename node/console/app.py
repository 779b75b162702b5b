"""The web application: today what needs no login, because it shows nothing of a patient."""

import logging
from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import Database
from db.errors import DatabaseError
from node.console import page
from node.console.facts import Facts, gather
from node.telemetry.watch import PATHS, Watch

log = logging.getLogger(__name__)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{page.STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def build(database: Database, data: Path, ae_title: str, watch: Watch) -> Starlette:
    """The application over a database and the data folder."""

    def ask() -> Facts | None:
        try:
            return gather(database, data)
        except (DatabaseError, OSError):
            log.warning("no facts", exc_info=True)
            return None

    def health(_request: Request) -> Response:
        """For a machine that watches: 200 and the counts, or 503."""
        facts = ask()
        if facts is None:
            return JSONResponse({"ok": False, "reason": "the database does not answer"}, status_code=503)
        return JSONResponse({"ok": True} | asdict(facts))

    def overview(_request: Request) -> Response:
        """For a person."""
        facts = ask()
        return HTMLResponse(page.render(ae_title, facts), status_code=200 if facts else 503)

    def watched(request: Request) -> Response:
        answer = watch.answer(request.url.path)
        return Response(answer.body, status_code=answer.status, headers={"Content-Type": answer.content_type})

    return Starlette(
        routes=[
            Route("/", overview),
            Route("/health", health),
            *(Route(path, watched) for path in PATHS),
        ],
        middleware=[Middleware(_Secured)],
        exception_handlers={Exception: _fault},
    )


def _fault(_request: Request, error: Exception) -> Response:
    log.error("fault", exc_info=error)
    return Response("A fault in the node.", status_code=500, media_type="text/plain", headers=HEADERS)


class _Secured:
    """Puts the security headers on every response, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
