"""Who may reach what: every page names the role it takes, and the door asks for it before the page is made."""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from db.errors import DatabaseError
from db.people_records import Person, Role
from node.console.form import read_form
from node.console.sessions import Sessions

UNSAFE = ("POST",)
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
LOGIN = "/login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that was let in. `token` is the browser's cookie: a session's if there is a `person`.

    On a page for everybody nobody is asked who they are, and `person` is None.
    """

    request: Request
    person: Person | None
    token: str
    form: Mapping[str, str]
    by_itself: bool = False
    """Whether a page that stands open asks, and not a person."""

    @property
    def address(self) -> str:
        """Where it comes from."""
        return self.request.client.host if self.request.client else ""

    def here(self, path: str) -> str:
        """The address of a page, as this browser has it."""
        return f"{self.request.url.scheme}://{self.request.headers.get('host', '')}{path}"

    @property
    def somebody(self) -> Person:
        """Who is logged in, on a page that is not for everybody.

        Raises:
            HTTPException: nobody is.
        """
        if self.person is None:
            raise HTTPException(403)
        return self.person

    @property
    def form_token(self) -> str:
        """What a form must bring back: another site can have the cookie sent, and cannot read this."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One thing that can be asked for. `role` is the least that may; None is everybody, logged in or not."""

    path: str
    show: Callable[[Visit], Response]
    role: Role | None
    method: Literal["GET", "POST"] = "GET"
    title: str | None = None
    """Its name in the navigation, if it is to stand there."""
    by_itself: bool = False
    """Asked for by a page that stands open, not by a person; it keeps nobody logged in."""
    secret: bool = False
    """Its form has a password, which no page shows again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """The session's cookie. Over TLS no other host and no plain connection can have set it (RFC 6265bis, `__Host-`).

    While a person is at the identity provider another one is lent, that comes back with them from its site.
    """

    encrypted: bool

    @property
    def name(self) -> str:
        """Its name says what the browser holds to."""
        return "__Host-cxr" if self.encrypted else "cxr"

    def give(self, response: Response, token: str) -> None:
        """Set it until the browser is closed."""
        response.set_cookie(self.name, token, path="/", secure=self.encrypted, httponly=True, samesite="strict")

    def drop(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name, path="/", secure=self.encrypted, httponly=True)

    def lend(self, response: Response, words: str, lasting: timedelta) -> None:
        """Set the other one, for a while."""
        seconds = round(lasting.total_seconds())
        response.set_cookie(self._lent, words, seconds, path="/", secure=self.encrypted, httponly=True, samesite="lax")

    def lent(self, request: Request) -> str:
        """What was lent to this browser; nothing if nothing was."""
        return request.cookies.get(self._lent, "")

    def take_back(self, response: Response) -> None:
        """Take back what was lent."""
        response.delete_cookie(self._lent, path="/", secure=self.encrypted, httponly=True, samesite="lax")

    @property
    def _lent(self) -> str:
        return f"{self.name}-login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Lets a request through to its page, or answers in its place."""

    sessions: Sessions
    cookie: Cookie

    def guard(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """The page as an endpoint; it runs in a thread, since it asks the database."""

        async def enter(request: Request) -> Response:
            form = await read_form(request) if page.method in UNSAFE else {}
            request.state.sent = {} if page.secret else form
            return await run_in_threadpool(self._answer, page, request, form)

        return enter

    def visitor(self, request: Request) -> Visit | None:
        """Who is logged in there, if the database says so: for what has to be said outside of any page."""
        if (visit := let_in(request)) is not None:
            return visit
        known = request.cookies.get(self.cookie.name, "")
        try:
            person = self.sessions.person_of(known, keep=False) if known else None
        except DatabaseError:
            return None
        return None if person is None else Visit(request=request, person=person, token=known, form={})

    def _answer(self, page: Page, request: Request, form: Mapping[str, str]) -> Response:
        known = request.cookies.get(self.cookie.name, "")
        person = None
        if page.role is not None:
            person = self.sessions.person_of(known, keep=not page.by_itself) if known else None
            if person is None:
                return _to_login(request)
        token = known or secrets.token_urlsafe(32)
        visit = Visit(request=request, person=person, token=token, form=form, by_itself=page.by_itself)
        if person is not None and page.role is not None:
            request.state.visit = visit
            if not person.role.includes(page.role):
                raise HTTPException(403, f"This takes the role {page.role}; yours is {person.role}.")
        if page.method in UNSAFE:
            _require_own_form(visit)
        response = page.show(visit)
        if not known and page.path == LOGIN and page.method == "GET":
            self.cookie.give(response, visit.token)
        return response


def let_in(request: Request) -> Visit | None:
    """The visit of a person whom the door knew, before what then went wrong."""
    visit: Visit | None = getattr(request.state, "visit", None)
    return visit


def sent(request: Request) -> Mapping[str, str]:
    """What a form sent that may be shown again, for when it could not be taken."""
    form: Mapping[str, str] = getattr(request.state, "sent", {})
    return form


def _require_own_form(visit: Visit) -> None:
    """Refuse what another site has the browser send.

    Raises:
        HTTPException: it was not sent by a form of this console.
    """
    origin = visit.request.headers.get("origin")
    token = visit.form.get(FORM_TOKEN, "")
    if (origin is not None and origin != visit.here("")) or not hmac.compare_digest(
        token.encode(), visit.form_token.encode()
    ):
        raise HTTPException(403, "This form is too old, or not ours. Load the page again and repeat what you did.")


def _to_login(request: Request) -> Response:
    """To the login; a part of a page that asks for itself takes the whole page there."""
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": LOGIN})
    return RedirectResponse(LOGIN, status_code=303)
