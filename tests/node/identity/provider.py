"""A small identity provider at a free port: discovery, keys, a login that lets everybody in, tokens for codes."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.peers.web import WebServer

HOST = "127.0.0.1"
CLIENT_ID, SECRET = "cxr-node", "a secret: with+signs"
ANNA = {"sub": "7f3c", "preferred_username": "Anna", "groups": ["staff", "cxr-readers"]}

Sign = Callable[["Issuer", dict[str, Any]], str]


@cache
def key(name: str) -> RSAKey:
    """A private key; made once."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


def signed(_issuer: "Issuer", claims: dict[str, Any]) -> str:
    """With the key that the provider shows."""
    return jwt.encode({"alg": "RS256", "kid": "shown"}, claims, key("shown"))


def signed_by_another(_issuer: "Issuer", claims: dict[str, Any]) -> str:
    """With a key that it does not show."""
    return jwt.encode({"alg": "RS256", "kid": "hidden"}, claims, key("hidden"))


def signed_in_its_name(_issuer: "Issuer", claims: dict[str, Any]) -> str:
    """With another key, under the name of the one that it shows."""
    return jwt.encode({"alg": "RS256", "kid": "shown"}, claims, key("hidden"))


def unsigned(_issuer: "Issuer", claims: dict[str, Any]) -> str:
    """With the algorithm `none` (RFC 7518 3.6)."""
    header = {"alg": "none", "typ": "JWT"}
    return ".".join([*(_base64(json.dumps(each).encode()) for each in (header, claims)), ""])


def signed_by_the_public_key(_issuer: "Issuer", claims: dict[str, Any]) -> str:
    """By a shared secret, for which the public key is taken: an old trick."""
    words = ".".join(_base64(json.dumps(each).encode()) for each in ({"alg": "HS256", "kid": "shown"}, claims))
    secret = key("shown").as_pem(private=False)
    return f"{words}.{_base64(hmac.digest(secret, words.encode(), 'sha256'))}"


@dataclass(slots=True, kw_only=True)
class Issuer:
    """The provider; what it says can be changed.

    Args:
        person: the claims of whoever logs in.
        claims: take the place of claims that it would make; None leaves one out.
        told: claims that it has apart from the token (OpenID Connect Core 5.3); None refuses to say.
        configuration: the same for its configuration.
        ended: whom it has logged out; None where nothing named the login.
    """

    host: str = HOST
    port: int = 0
    person: dict[str, Any] = field(default_factory=lambda: dict(ANNA))
    claims: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] | None = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    sign: Sign = signed
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What it calls itself."""
        return f"http://{self.host}:{self.port}/hospital"

    def well_known(self) -> dict[str, Any]:
        """Its configuration."""
        here = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/me",
            "end_session_endpoint": f"{self.url}/logout?all=yes",
        }
        return {name: value for name, value in (here | self.configuration).items() if value is not None}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes with its code."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = f"code {len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.url})}"

    def tell(self, authorization: str) -> tuple[int, dict[str, Any]]:
        """What it says to who has the person's access token."""
        allowed = authorization == "Bearer a" and self.told is not None
        return (200, {"sub": self.person["sub"]} | (self.told or {})) if allowed else (401, {})

    def log_out(self, asked: dict[str, str]) -> str:
        """Where the browser goes without its session here (OpenID Connect RP-Initiated Logout 1.0)."""
        assert (asked["all"], asked["client_id"]) == ("yes", CLIENT_ID)
        hint = asked.get("id_token_hint")
        self.ended.append(None if hint is None else jwt.decode(hint, key("shown")).claims["sub"])
        return f"{asked['post_logout_redirect_uri']}?{urlencode({'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """What a code is worth, once, for who knows the secret and the verifier."""
        asked = self.codes.pop(form["code"], None)
        expected = base64.b64encode(b"cxr-node:a+secret%3A+with%2Bsigns").decode()
        shown = authorization == f"Basic {expected}" or form.get("client_secret") == SECRET
        if asked is None or not shown or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if _base64(hashlib.sha256(form["code_verifier"].encode()).digest()) != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = round(time.time())
        usual = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (usual | self.person | self.claims).items() if value is not None}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.sign(self, claims)}


@contextmanager
def issuing(host: str = HOST) -> Iterator[Issuer]:
    """A provider that answers as long as the block, under a name of this machine."""
    issuer = Issuer(host=host)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            issuer.asked.append(parts.path)
            if parts.path.endswith(("/authorize", "/logout")):
                on = issuer.authorize if parts.path.endswith("/authorize") else issuer.log_out
                self.send_response(302)
                self.send_header("Location", on(dict(parse_qsl(parts.query))))
                self.end_headers()
            elif parts.path.endswith("/me"):
                self._say(*issuer.tell(self.headers.get("Authorization", "")))
            elif parts.path.endswith("/keys"):
                self._say(200, {"keys": [key("shown").as_dict(private=False)]})
            elif parts.path == "/hospital/.well-known/openid-configuration":
                self._say(200, issuer.well_known())
            else:
                self._say(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*issuer.token(form, self.headers.get("Authorization", "")))

        def _say(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Nothing."""

    server = WebServer((HOST, 0), Handler)
    issuer.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
