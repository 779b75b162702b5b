"""The site's identity provider, as who lets people in sees it."""

from dataclasses import dataclass
from typing import Protocol

from node.identity.attempt import Attempt, Attempts
from node.identity.claimed import Confirmed, Reading


class Provider(Protocol):
    """The site's identity provider."""

    @property
    def issuer(self) -> str:
        """Its URL."""

    def login_url(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the browser is sent."""

    def logout_url(self, id_token: str, state: str, redirect_uri: str) -> str | None:
        """Where the browser is sent to be logged out there too, if it offers that."""

    def confirmed(self, code: str, attempt: Attempt, redirect_uri: str) -> Confirmed:
        """What it says of the person who brought a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The provider, how an attempt is known again, and how what it says of a person is read."""

    provider: Provider
    attempts: Attempts
    reading: Reading
