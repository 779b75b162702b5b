"""Logging in and one's own password, as pages."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from node.console.access import LOGIN, Cookie, Visit
from node.console.frame import Frame
from node.console.sessions import LoginRefusedError, Sessions, TooManyAttemptsError
from node.errors import SettingsError

HOME = "/"
NO_PASSWORDS = "This node takes no passwords. Log in with your hospital account."
TOO_MANY = "Too many passwords were tried. Wait a quarter of an hour, or ask an administrator."


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The pages by which people come in."""

    sessions: Sessions
    cookie: Cookie
    frame: Frame
    provider: str | None = None
    """Where the way to the identity provider begins."""
    passwords: bool = True
    """Whether a password of the node lets anybody in."""

    def show(self, visit: Visit) -> Response:
        """The form; while there is nobody who may log in, how to make the first."""
        return self._form(visit)

    def enter(self, visit: Visit) -> Response:
        """Let a person in, or say that name and password do not fit."""
        if not self.passwords:
            return self._form(visit, 403, NO_PASSWORDS)
        name = visit.form.get("name", "").strip().lower()
        try:
            token = self.sessions.log_in(name, visit.form.get("password", ""), visit.address)
        except TooManyAttemptsError:
            return self._form(visit, 429, TOO_MANY)
        except LoginRefusedError:
            return self._form(visit, 401, "Name and password do not belong together.")
        return self._home_with(token)

    def account(self, visit: Visit) -> Response:
        """Who one is here, and the form for another password."""
        return self._account(visit, 200, None)

    def change_password(self, visit: Visit) -> Response:
        """Take another password; this browser goes on with a new session, all others are logged out."""
        if visit.person is None:
            return RedirectResponse(LOGIN, status_code=303)
        old, new, again = (visit.form.get(field, "") for field in ("old", "new", "again"))
        if new != again:
            return self._account(visit, 400, "The new password is not the same both times.")
        try:
            token = self.sessions.change_password(visit.person, old, new, visit.address)
        except TooManyAttemptsError:
            return self._account(visit, 429, TOO_MANY)
        except LoginRefusedError:
            return self._account(visit, 401, "The present password is another one.")
        except SettingsError as error:
            sentence = str(error)
            return self._account(visit, 400, f"{sentence[:1].upper()}{sentence[1:]}.")
        return self._home_with(token)

    def _form(self, visit: Visit, status: int = 200, problem: str | None = None) -> Response:
        """The ways in, and what was the matter with the last one."""
        ways = {"anybody": self.sessions.anybody(), "provider": self.provider, "passwords": self.passwords}
        return self.frame.page("login.html", visit, status, problem=problem, **ways)

    def _account(self, visit: Visit, status: int, problem: str | None) -> Response:
        has_password = self.sessions.has_password(visit.somebody)
        return self.frame.page("account.html", visit, status, problem=problem, has_password=has_password)

    def _home_with(self, token: str) -> Response:
        response = RedirectResponse(HOME, status_code=303)
        self.cookie.give(response, token)
        return response
