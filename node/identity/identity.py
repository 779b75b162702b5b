"""The site's identity provider, as who lets people in sees it."""

from dataclasses import dataclass
from typing import Any, Protocol

from node.identity.attempt import Attempt, Attempts
from node.identity.claimed import Reading


class Provider(Protocol):
    """The site's identity provider."""

    @property
    def issuer(self) -> str:
        """Its URL."""

    def login_url(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the browser is sent."""

    def claims(self, code: str, attempt: Attempt, redirect_uri: str) -> dict[str, Any]:
        """What it says of the person who brought a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The provider, how an attempt is known again, and how what it says of a person is read."""

    provider: Provider
    attempts: Attempts
    reading: Reading
