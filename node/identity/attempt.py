"""One attempt to log in by the identity provider: what is sent with it, and what must come back.

Theory of operation. The provider sends the browser back from another site, so that the session's cookie does not come
along. The attempt has one of its own, which does (`SameSite=Lax`): a random state with its time, signed. Nonce
(OpenID Connect Core 3.1.2.1) and code verifier (RFC 7636) are worked out from the state by the node's secret, so that
every process of the node knows them and the browser does not. A logout there comes back by a state and a cookie of the
same kind; the rest is not used then.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

LASTS = timedelta(minutes=10)
"""For a person who looks for a second factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`state` comes back with the person, `nonce` in the token; `verifier` is shown when the token is fetched."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier beforehand: S256 (RFC 7636 4.2)."""
        return _base64(hashlib.sha256(self.verifier.encode()).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Begins attempts, and knows its own again.

    Args:
        secret: what only this node's processes know.
    """

    secret: str

    def begin(self, now: datetime) -> tuple[Attempt, str]:
        """A new attempt, and the cookie by which it is known again."""
        state = secrets.token_urlsafe(32)
        words = f"{state}.{int(now.timestamp())}"
        return self._of(state), f"{words}.{self._derived('cookie', words)}"

    def known(self, cookie: str, state: str, now: datetime) -> Attempt | None:
        """The attempt that a browser's cookie proves to be its own; None if it is not, or took too long."""
        words, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._derived("cookie", words).encode()):
            return None
        begun, _, at = words.partition(".")
        late = abs(now.timestamp() - int(at)) > LASTS.total_seconds()
        return None if late or not hmac.compare_digest(begun.encode(), state.encode()) else self._of(begun)

    def _of(self, state: str) -> Attempt:
        return Attempt(state=state, nonce=self._derived("nonce", state), verifier=self._derived("verifier", state))

    def _derived(self, purpose: str, words: str) -> str:
        return _base64(hmac.digest(self.secret.encode(), f"cxr {purpose} {words}".encode(), "sha256"))


def _base64(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
