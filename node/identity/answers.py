"""What the identity provider answers: JSON over https, some of it kept. The only file here that knows httpx.

A provider that hangs must not hold all threads, nor be asked at every click while it is down.
"""

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from node.identity.errors import ProviderDownError

TIMEOUT_S = 5.0
PATIENCE_S = 1.0
"""How long one person waits while another has the provider asked."""
AGAIN_S = 5.0
"""What could not be had is not asked for again before that."""
MOST_BYTES = 1024 * 1024
"""Of an answer."""
DOWN = "The identity provider does not answer as it should. Try again in a moment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Asks, and keeps what is asked for again and again.

    Args:
        tls: how https is checked.
    """

    tls: ssl.SSLContext
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)
    _failed: dict[str, float] = field(default_factory=dict)

    def kept(self, url: str, kept_s: float) -> Mapping[str, Any]:
        """A JSON object, as it was less than so many seconds ago.

        Raises:
            ProviderDownError: it cannot be had, could not a moment ago, or somebody else waits for it.
        """
        at, found = self._kept.get(url, (0.0, {}))
        if found and time.monotonic() - at < kept_s:
            return found
        if not self._lock.acquire(timeout=PATIENCE_S):
            raise ProviderDownError("busy", DOWN)
        try:
            return self._anew(url, kept_s)
        finally:
            self._lock.release()

    def ask(self, method: str, url: str, **how: Any) -> dict[str, Any]:
        """A JSON object, now; `how` as httpx has it: `data`, `auth`, `headers`.

        Raises:
            ProviderDownError: it cannot be had.
        """
        try:
            with (
                httpx.Client(verify=self.tls, timeout=TIMEOUT_S, headers={"Accept": "application/json"}) as client,
                client.stream(method, url, **how) as response,
            ):
                content = b""
                for part in response.iter_bytes():
                    content += part
                    if len(content) > MOST_BYTES:
                        raise ProviderDownError("too_long", DOWN)
                return _object(content, response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderDownError("unreachable", DOWN) from error

    def _anew(self, url: str, kept_s: float) -> Mapping[str, Any]:
        """By one thread at a time; who had to wait finds what the one before got, or that it got nothing."""
        now = time.monotonic()
        at, found = self._kept.get(url, (0.0, {}))
        if found and now - at < kept_s:
            return found
        if now - self._failed.get(url, -AGAIN_S) < AGAIN_S:
            raise ProviderDownError("failed", DOWN)
        try:
            found = self.ask("GET", url)
        except ProviderDownError:
            self._failed[url] = time.monotonic()
            raise
        self._kept[url] = (time.monotonic(), found)
        return found


def _object(content: bytes, status: int) -> dict[str, Any]:
    """A JSON object; that a code is refused is one too (RFC 6749 5.2)."""
    try:
        found = httpx.Response(status, content=content).json()
    except ValueError as error:
        raise ProviderDownError("no_json", DOWN) from error
    if not isinstance(found, dict) or status not in (200, 400):
        raise ProviderDownError("status", DOWN)
    return cast(dict[str, Any], found)
