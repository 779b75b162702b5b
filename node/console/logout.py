"""Logging out, here and at the identity provider that let a person in.

A form of ours may lead to pages of ours alone, also by a redirect (the policy's `form-action`). So a page answers, and
goes on to the provider by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from starlette.responses import RedirectResponse, Response

from node.console.access import LOGIN, Cookie, Visit
from node.console.frame import Frame
from node.console.sessions import Sessions
from node.identity.attempt import LASTS
from node.identity.errors import ProviderDownError
from node.identity.identity import Identity

RETURN = "/logout/oidc"
EVERYWHERE = "You are logged out, here and at the identity provider."
STAYS = "You are logged out here, but not at the identity provider: log out there too if others use this computer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """The way out.

    Args:
        identity: the site's identity provider, where people log in by one.
    """

    sessions: Sessions
    cookie: Cookie
    frame: Frame
    identity: Identity | None
    now: Callable[[], datetime]

    def leave(self, visit: Visit) -> Response:
        """End the session; then have the provider end its own, if it let the person in and offers that."""
        id_token = self.sessions.log_out(visit.somebody, visit.token, visit.address)
        gone = replace(visit, person=None)
        if id_token is None or self.identity is None:
            response: Response = RedirectResponse(LOGIN, status_code=303)
        else:
            response = self._leave_provider(gone, self.identity, id_token)
        self.cookie.drop(response)
        return response

    def come_back(self, visit: Visit) -> Response:
        """The provider sends the browser back; that it has logged it out is said to the one that was sent there."""
        state = visit.request.query_params.get("state", "")
        lent = self.cookie.lent(visit.request)
        if self.identity is None or self.identity.attempts.known(lent, state, self.now()) is None:
            return RedirectResponse(LOGIN, status_code=303)
        response = self._left(visit, EVERYWHERE)
        self.cookie.take_back(response)
        return response

    def _leave_provider(self, visit: Visit, identity: Identity, id_token: str) -> Response:
        attempt, lent = identity.attempts.begin(self.now())
        try:
            url = identity.provider.logout_url(id_token, attempt.state, visit.here(RETURN))
        except ProviderDownError:
            url = None
        if url is None:
            return self._left(visit, STAYS)
        response = self.frame.page("leaving.html", visit, onward=url)
        self.cookie.lend(response, lent, LASTS)
        return response

    def _left(self, visit: Visit, sentence: str) -> Response:
        return self.frame.page("left.html", visit, sentence=sentence, login=LOGIN)
