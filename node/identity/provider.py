"""The site's identity provider: where it is to be asked, and what it says of a person (OpenID Connect Core 1.0).

Authorization code flow with PKCE. The only file that knows joserfc.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from node.identity.answers import DOWN, Answers
from node.identity.attempt import Attempt
from node.identity.claimed import Confirmed, claim_at
from node.identity.errors import NotTrustedError, ProviderDownError
from node.sections.section import is_private

MOST_HINT = 4096
"""Characters of a token that an address has room for; without a longer one the provider may ask the person first."""
KEPT_S = 3600.0
"""How long its configuration and keys are good enough."""
KEYS_AGAIN_S = 60.0
"""A token of a key that is not known has the keys fetched again, but not more often."""
LEEWAY_S = 60
"""How far the provider's clock and ours may differ."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a key that only the provider has. `none` and those by a shared secret are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who the node is to the provider."""

    client_id: str
    secret: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Asks one provider; its configuration and keys are fetched when they are needed, and kept for an hour.

    Args:
        issuer: its URL; the configuration is below it (OpenID Connect Discovery 1.0 4).
        wanted: the claims that are needed of a person, wherever the provider has them.
    """

    issuer: str
    client: Client
    wanted: Collection[str]
    now: Callable[[], datetime]
    answers: Answers

    def login_url(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the browser is sent.

        Raises:
            ProviderDownError: its configuration cannot be had.
        """
        asked = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.client.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return _address(self._endpoint("authorization_endpoint"), asked)

    def logout_url(self, id_token: str, state: str, redirect_uri: str) -> str | None:
        """Where the browser is sent to be logged out there too; None where the provider does not offer that.

        Raises:
            ProviderDownError: its configuration cannot be had.

        Source: OpenID Connect RP-Initiated Logout 1.0, section 2.
        """
        if self._configuration().get("end_session_endpoint") is None:
            return None
        asked = {"client_id": self.client.client_id, "post_logout_redirect_uri": redirect_uri, "state": state}
        if len(id_token) <= MOST_HINT:
            asked["id_token_hint"] = id_token
        return _address(self._endpoint("end_session_endpoint"), asked)

    def confirmed(self, code: str, attempt: Attempt, redirect_uri: str) -> Confirmed:
        """What the provider says of the person, for the code that they brought.

        Raises:
            ProviderDownError: it cannot be asked.
            NotTrustedError: it does not take the code, or its token proves nothing.
        """
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        methods = self._configuration().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth = None
        if "client_secret_basic" in methods:
            auth = (_form_encoded(self.client.client_id), _form_encoded(self.client.secret))
        else:
            asked |= {"client_id": self.client.client_id, "client_secret": self.client.secret}
        answer = self.answers.ask("POST", self._endpoint("token_endpoint"), data=asked, auth=auth)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotTrustedError("no_token", "The identity provider did not confirm this login. Begin again.")
        claims = self._verified(token, attempt)
        if any(claim_at(claims, name) is None for name in self.wanted):
            claims = self._further(answer.get("access_token"), claims["sub"]) | claims
        return Confirmed(claims=claims, id_token=token)

    def _further(self, access_token: object, subject: str) -> dict[str, Any]:
        """What it says of the person beside the token, if it offers that (Core 5.3); many have groups there alone."""
        if not isinstance(access_token, str) or "userinfo_endpoint" not in self._configuration():
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        try:
            found = self.answers.ask("GET", self._endpoint("userinfo_endpoint"), headers=headers)
        except ProviderDownError as error:
            if error.code != "status":
                raise
            return {}  # it answers, and this token is not for that
        if found.get("sub") != subject:  # Core 5.3.2: somebody else's
            raise NotTrustedError("sub", "The identity provider's answers are of two people. Begin again.")
        return found

    def _verified(self, token: str, attempt: Attempt) -> dict[str, Any]:
        """The claims of a token that is the provider's, for us, in time and of this attempt (Core 3.1.3.7)."""
        try:
            claims = self._decoded(token)
            rules = jwt.JWTClaimsRegistry(
                now=round(self.now().timestamp()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self.issuer},
                sub={"essential": True},
                aud={"essential": True, "value": self.client.client_id},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": attempt.nonce},
            )
            rules.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _not_trusted(error) from error
        parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", self.client.client_id if len(parties) == 1 else None) != self.client.client_id:
            raise NotTrustedError("azp", "The identity provider's answer is for another system, not for this node.")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        try:
            return jwt.decode(token, self._keys(KEPT_S), registry=registry).claims
        except (InvalidKeyIdError, BadSignatureError):  # its keys may be new
            return jwt.decode(token, self._keys(KEYS_AGAIN_S), registry=registry).claims

    def _keys(self, kept_s: float) -> KeySet:
        found = self.answers.kept(self._endpoint("jwks_uri"), kept_s).get("keys")
        keys = [each for each in found if _signs(each)] if isinstance(found, list) else []
        if not keys:
            raise ProviderDownError("no_keys", DOWN)
        return KeySet.import_key_set({"keys": keys})

    def _endpoint(self, name: str) -> str:
        found = self._configuration().get(name)
        if not isinstance(found, str) or not is_private(found):
            raise ProviderDownError("configuration", DOWN)
        return found

    def _configuration(self) -> Mapping[str, Any]:
        found = self.answers.kept(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", KEPT_S)
        if found.get("issuer") != self.issuer:
            raise ProviderDownError("issuer", DOWN)
        return found


def _address(endpoint: str, asked: Mapping[str, str]) -> str:
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def _signs(key: object) -> bool:
    """Whether it is a public key for signatures; a shared secret has no place there."""
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC") and key.get("use", "sig") == "sig"


def _form_encoded(text: str) -> str:
    """As RFC 6749 2.3.1 has it in the header."""
    return urlencode({"": text})[1:]


def _not_trusted(error: Exception) -> NotTrustedError:
    """Why, in a sentence."""
    claim = getattr(error, "claim", None)
    sentences = {
        "nonce": "The identity provider's answer is to another login, not to this one. Begin again.",
        "aud": "The identity provider's answer is for another system, not for this node.",
        "iss": "The answer is not of the identity provider that this node trusts.",
    }
    if isinstance(error, ExpiredTokenError) or claim in ("exp", "iat", "nbf"):
        return NotTrustedError("time", "The identity provider's answer has expired, or its clock differs. Begin again.")
    if claim in sentences:
        return NotTrustedError(claim, sentences[claim])
    return NotTrustedError("signature", "The identity provider's answer is not signed by a key of its own.")
