"""The web application: its sections on one ground, and the door before them."""

import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import Database
from db.errors import DatabaseError
from db.sessions import Lifetime
from node.console import pages, sections
from node.console.access import Cookie, Door, Page, let_in, sent
from node.console.api import app as api
from node.console.api.basis import Basis
from node.console.arrival import Bounded
from node.console.frame import Frame
from node.console.ground import Ground
from node.console.imaging import Pictures
from node.console.live import Live
from node.console.logout import Logout
from node.console.masking import Mask
from node.console.sessions import Sessions
from node.console.viewing import Viewing
from node.files import InstanceStore
from node.identity.identity import Identity
from node.identity.tokens import Tokens
from node.labels.trials import Trials
from node.settings import Settings
from node.telemetry.readiness import Check
from node.telemetry.watch import PATHS, Watch
from training.pseudonym import Pseudonyms

log = logging.getLogger(__name__)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With `no-referrer` a browser sends `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOTICES = {
    400: ("Not understood", "The request cannot be read."),
    403: ("Not for you", "This is not for your role."),
    404: ("Not here", "There is no such page."),
    405: ("Not understood", "This page does not take that."),
    503: ("Not now", "Try again in a moment."),
}
"""Title and sentence by status, where nobody has said more."""
DOWN = (
    "Nothing can be shown now",
    "The database does not answer. The node refuses images and reports until it does; senders keep them and send them "
    "again. Try again in a moment.",
)
NOT_TAKEN = (
    "This cannot be done now",
    "The database does not answer. Nothing is half done, and what you sent is kept in this page: send it again in a "
    "moment.",
)
FAULT = (
    "A fault in the node",
    "The page could not be made. Try again; if it goes wrong again, tell an administrator the time: the node's log has "
    "what went wrong.",
)


def build(
    *,
    settings: Settings,
    database: Database,
    store: InstanceStore,
    announce: Callable[[int], None],
    encrypted: bool,
    lifetime: Lifetime,
    now: Callable[[], datetime],
    watch: Watch,
    trials: Trials,
    live: Live,
    pictures: Pictures,
    pseudonyms: Pseudonyms | None = None,
    identity: Identity | None = None,
    watched: Collection[str] = PATHS,
) -> Starlette:
    """The application over a node's database and store.

    Args:
        announce: wakes a worker for a job.
        encrypted: whether it is served over TLS.
        trials: what tries another lexicon.
        live: what tells pages of changes; who stops the server closes it first.
        pictures: makes pictures of radiographs.
        pseudonyms: what patients are called where the site masks them.
        identity: the site's identity provider, where people log in by one.
        watched: what of `watch` is answered here without a login.
    """
    mask = Mask(pseudonyms)
    ground = Ground(
        settings=settings,
        database=database,
        store=store,
        announce=announce,
        now=now,
        mask=mask,
        frame=Frame(settings.dicom.ae_title, zone=settings.console.time_zone, mask=mask),
        viewing=Viewing(database=database, masking=mask.on, now=now),
    )
    sessions, cookie = Sessions(database=database, lifetime=lifetime, now=now), Cookie(encrypted=encrypted)
    logout = Logout(sessions=sessions, cookie=cookie, frame=ground.frame, identity=identity, now=now)
    tokens = Tokens(database=database, now=now)
    programs = api.build(_basis(ground, tokens, trials, watch.checks))
    every_page: tuple[Page, ...] = (
        *sections.studies(ground, live, pictures),
        *sections.labels(ground, trials),
        *sections.agreement(ground),
        *sections.learning(ground),
        *sections.system(ground),
        *sections.people(ground, sessions, cookie, logout, tokens=tokens, document=programs.openapi),
        *sections.provider(ground, sessions, cookie, logout),
        *pages.of_machines(watch, watched),
    )
    ground.frame.furnish(every_page)
    return _served(every_page, Door(sessions=sessions, cookie=cookie), programs, ground.frame)


def _served(every_page: Collection[Page], door: Door, programs: ASGIApp, frame: Frame) -> Starlette:
    """Each page behind the door, and what programs ask beside them."""
    return Starlette(
        routes=[
            *(Route(each.path, door.guard(each), methods=[each.method]) for each in every_page),
            Mount(api.PREFIX, programs),
        ],
        middleware=[Middleware(_Secured), Middleware(Bounded)],
        exception_handlers={
            HTTPException: lambda request, error: _refused(frame, door, request, error),
            DatabaseError: lambda request, error: _down(frame, request, error),
            Exception: lambda request, error: _fault(frame, request, error),
        },
    )


def _basis(ground: Ground, tokens: Tokens, trials: Trials, checks: Mapping[str, Check]) -> Basis:
    return Basis(
        settings=ground.settings,
        database=ground.database,
        store=ground.store,
        tokens=tokens,
        mask=ground.mask,
        trials=trials,
        checks=checks,
        announce=ground.announce,
        now=ground.now,
    )


def _refused(frame: Frame, door: Door, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this for it alone
    title, sentence = NOTICES.get(error.status_code, NOTICES[400])
    said = error.detail if error.detail.endswith(".") else sentence
    response = frame.notice(request, error.status_code, title, said, door.visitor(request))
    response.headers.update(error.headers or {})
    return response


def _down(frame: Frame, request: Request, error: Exception) -> Response:
    log.warning("no answer from the database", extra={"fields": {"error": type(error).__name__}})
    kept = sent(request)
    return frame.notice(request, 503, *(NOT_TAKEN if kept else DOWN), let_in(request), sent=kept)


def _fault(frame: Frame, request: Request, error: Exception) -> Response:
    log.error("fault", exc_info=error)
    response = frame.notice(request, 500, *FAULT, let_in(request))
    response.headers.update(HEADERS)  # it is made outside of what puts them on every other
    return response


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
