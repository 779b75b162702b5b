"""The web application: its pages, each with the role it takes, behind one door."""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, tzinfo

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import Database
from db.errors import DatabaseError
from db.records import Role
from db.sessions import Lifetime
from node.console.access import LOGIN, Cookie, Door, Page, Visit
from node.console.api import app as api
from node.console.api.basis import Basis
from node.console.arrival import Bounded
from node.console.audit_log import AuditLog
from node.console.callers import Callers
from node.console.destinations import DestinationPages
from node.console.frame import Frame
from node.console.jobs import JobPages
from node.console.login import Login
from node.console.masking import Mask
from node.console.reference import Reference
from node.console.sessions import Sessions
from node.console.settings_in_force import SettingsInForce
from node.console.static import Static
from node.console.system import System
from node.console.tokens import TokenPages
from node.console.viewing import Viewing
from node.files import InstanceStore
from node.settings import Settings
from node.telemetry.watch import PATHS, Watch
from node.tokens import Tokens
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
}
"""Title and sentence by status, where nobody has said more."""
DOWN = (
    "Nothing can be shown now",
    "The database does not answer. The node refuses images and reports until it does; senders keep them and send them "
    "again. Try again in a moment.",
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
    watched: Collection[str] = PATHS,
    zone: tzinfo | None = None,
    pseudonyms: Pseudonyms | None = None,
) -> Starlette:
    """The application over a node's database and store.

    Args:
        announce: wakes a worker for a job.
        encrypted: whether it is served over TLS.
        watched: what of `watch` is answered here without a login.
        zone: in which times are shown; None is this machine's.
        pseudonyms: what patients are called where the site masks them.
    """
    data = settings.data
    mask = Mask(pseudonyms)
    frame = Frame(settings.dicom.ae_title, zone=zone, mask=mask)
    viewing = Viewing(database=database, masking=mask.on, now=now)
    sessions = Sessions(database=database, lifetime=lifetime, now=now)
    cookie = Cookie(encrypted=encrypted)
    login = Login(sessions=sessions, cookie=cookie, frame=frame)
    system = System(database=database, data=data, frame=frame, now=now)
    tokens = Tokens(database=database, now=now)
    token_pages = TokenPages(tokens=tokens, frame=frame)
    basis = Basis(
        settings=settings,
        database=database,
        store=store,
        tokens=tokens,
        mask=mask,
        checks=watch.checks,
        announce=announce,
        now=now,
    )
    programs = api.build(basis)
    reference = Reference(document=programs.openapi, frame=frame)
    every_page = (
        *pages(
            login=login,
            system=system,
            tokens=token_pages,
            reference=reference,
            viewing=viewing,
            static=Static(),
            watch=watch,
            watched=watched,
        ),
        *system_pages(
            jobs=JobPages(database=database, announce=announce, frame=frame, now=now),
            destinations=DestinationPages(settings=settings, database=database, frame=frame, now=now),
            callers=Callers(settings=settings, database=database, frame=frame),
            audit_log=AuditLog(database=database, viewing=viewing, frame=frame),
            settings=SettingsInForce(settings=settings, frame=frame),
        ),
    )
    frame.furnish(every_page)
    door = Door(sessions=sessions, cookie=cookie)
    return Starlette(
        routes=[
            *(Route(each.path, door.guard(each), methods=[each.method]) for each in every_page),
            Mount(api.PREFIX, programs),
        ],
        middleware=[Middleware(_Secured), Middleware(Bounded)],
        exception_handlers={
            HTTPException: lambda request, error: _refused(frame, request, error),
            DatabaseError: lambda request, error: _down(frame, request, error),
            Exception: _fault,
        },
    )


def pages(
    *,
    login: Login,
    system: System,
    tokens: TokenPages,
    reference: Reference,
    viewing: Viewing,
    static: Static,
    watch: Watch,
    watched: Collection[str],
) -> tuple[Page, ...]:
    """Everything that can be asked for, and the least role that may; None is everybody."""
    return (
        Page(path="/", role=Role.VIEWER, show=lambda _visit: RedirectResponse("/system", status_code=303)),
        Page(path="/system", role=Role.VIEWER, show=system.show, title="System"),
        Page(path="/system/counts", role=Role.VIEWER, show=system.counts, by_itself=True),
        Page(path="/studies/{study_uid}/unmask", role=Role.VIEWER, show=viewing.unmask, method="POST"),
        Page(path="/api", role=Role.VIEWER, show=reference.show),
        Page(path="/account", role=Role.VIEWER, show=login.account, title="Account"),
        Page(path="/account", role=Role.VIEWER, show=login.change_password, method="POST"),
        Page(path="/account/tokens", role=Role.VIEWER, show=tokens.show),
        Page(path="/account/tokens", role=Role.VIEWER, show=tokens.create, method="POST"),
        Page(path="/account/tokens/revoke", role=Role.VIEWER, show=tokens.revoke, method="POST"),
        Page(path=LOGIN, role=None, show=login.show),
        Page(path=LOGIN, role=None, show=login.enter, method="POST"),
        Page(path="/logout", role=Role.VIEWER, show=login.leave, method="POST"),
        Page(path="/static/{name}", role=None, show=static.show),
        *(Page(path=path, role=None, show=lambda visit: _watched(watch, visit)) for path in watched),
    )


def system_pages(
    *,
    jobs: JobPages,
    destinations: DestinationPages,
    callers: Callers,
    audit_log: AuditLog,
    settings: SettingsInForce,
) -> tuple[Page, ...]:
    """The pages below System: everybody sees how it runs, an administrator acts, and sees who did what."""
    look, act = Role.VIEWER, Role.ADMINISTRATOR
    return (
        Page(path="/system/jobs", role=look, show=jobs.show),
        Page(path="/system/jobs/retry", role=act, show=jobs.retry, method="POST"),
        Page(path="/system/destinations", role=look, show=destinations.show),
        Page(path="/system/destinations/test", role=act, show=destinations.test, method="POST"),
        Page(path="/system/callers", role=look, show=callers.show),
        Page(path="/system/audit", role=act, show=audit_log.show),
        Page(path="/system/audit/verification", role=act, show=audit_log.verify),
        Page(path="/system/settings", role=act, show=settings.show),
    )


def _watched(watch: Watch, visit: Visit) -> Response:
    """For a machine that watches; it logs in nowhere, and is told nothing of a patient."""
    answer = watch.answer(visit.request.url.path)
    return Response(answer.body, status_code=answer.status, headers={"Content-Type": answer.content_type})


def _refused(frame: Frame, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this for it alone
    title, sentence = NOTICES.get(error.status_code, NOTICES[400])
    said = error.detail if error.detail.endswith(".") else sentence
    response = frame.notice(request, error.status_code, title, said)
    response.headers.update(error.headers or {})
    return response


def _down(frame: Frame, request: Request, error: Exception) -> Response:
    log.warning("no answer from the database", extra={"fields": {"error": type(error).__name__}})
    return frame.notice(request, 503, *DOWN)


def _fault(_request: Request, error: Exception) -> Response:
    log.error("fault", exc_info=error)
    return PlainTextResponse("A fault in the node.", status_code=500, headers=HEADERS)


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
