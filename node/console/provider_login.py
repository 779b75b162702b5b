"""Logging in by the site's identity provider: out to it, and back in.

The provider sends the browser back from another site, and the session's cookie, `SameSite=Strict`, does not go along
on that way. So a page of our own answers, and goes on to the first page; from there the cookie is sent.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import RedirectResponse, Response

from node.console.access import LOGIN, Cookie, Visit
from node.console.frame import Frame
from node.console.login import HOME, TOO_MANY
from node.console.sessions import Sessions, TooManyAttemptsError
from node.identity.attempt import LASTS
from node.identity.claimed import Confirmed
from node.identity.errors import IdentityError, NotKnownError, NotTrustedError, ProviderDownError
from node.identity.identity import Identity

log = logging.getLogger(__name__)

BEGIN, RETURN = "/login/oidc", "/login/oidc/callback"
NOT_BEGUN = "This login was not begun in this browser, or took too long. Begin again."
NOT_LET_IN = "The identity provider did not let you in. Try again, or ask its administrator."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLogin:
    """The two steps of it."""

    identity: Identity
    sessions: Sessions
    cookie: Cookie
    frame: Frame
    now: Callable[[], datetime]

    def begin(self, visit: Visit) -> Response:
        """Send the browser to the provider, with an attempt that it knows again by a cookie."""
        attempt, lent = self.identity.attempts.begin(self.now())
        try:
            url = self.identity.provider.login_url(attempt, visit.here(RETURN))
        except ProviderDownError as error:
            return self._refused(visit, error)
        response = RedirectResponse(url, status_code=303)
        self.cookie.lend(response, lent, LASTS)
        return response

    def come_back(self, visit: Visit) -> Response:
        """Let in whom the provider has let in, or say why not."""
        try:
            token = self._let_in(visit)
        except TooManyAttemptsError:
            return self._not_arrived(visit, 429, TOO_MANY)
        except IdentityError as error:
            return self._refused(visit, error)
        response = self.frame.page("arrived.html", visit, home=HOME)
        self.cookie.give(response, token)
        self.cookie.take_back(response)
        return response

    def _let_in(self, visit: Visit) -> str:
        """The token of a new session.

        Raises:
            IdentityError: the person is not let in; the audit log has it.
            TooManyAttemptsError: nothing was asked.
        """
        state = visit.request.query_params.get("state", "")
        self.sessions.require_patience(state, visit.address)
        try:
            said = self._confirmed(visit, state)
            claimed = self.identity.reading.of(said.claims)
            return self.sessions.come_in(claimed, said.id_token, state, visit.address)
        except (NotTrustedError, NotKnownError) as error:
            self.sessions.refused(visit.address, error.code)
            raise
        except ProviderDownError:
            self.sessions.pardon(state)
            raise

    def _confirmed(self, visit: Visit, state: str) -> Confirmed:
        said = visit.request.query_params
        attempt = self.identity.attempts.known(self.cookie.lent(visit.request), state, self.now())
        if attempt is None:
            raise NotTrustedError("state", NOT_BEGUN)
        if said.get("iss", self.identity.provider.issuer) != self.identity.provider.issuer:  # RFC 9207
            raise NotTrustedError("iss", NOT_LET_IN)
        if "code" not in said:
            raise NotTrustedError("refused", NOT_LET_IN)
        return self.identity.provider.confirmed(said["code"], attempt, visit.here(RETURN))

    def _refused(self, visit: Visit, error: IdentityError) -> Response:
        log.warning("no login by the identity provider", extra={"fields": {"code": error.code}})
        response = self._not_arrived(visit, 503 if isinstance(error, ProviderDownError) else 403, str(error))
        self.cookie.take_back(response)
        return response

    def _not_arrived(self, visit: Visit, status: int, problem: str) -> Response:
        """A page without a form: that would need the session's cookie, which this request does not bring."""
        return self.frame.page("not_arrived.html", visit, status, problem=problem, login=LOGIN)
