"""The identity provider of the settings."""

from collections.abc import Callable
from datetime import datetime

from node.identity.answers import Answers
from node.identity.attempt import Attempts
from node.identity.claimed import Reading
from node.identity.identity import Identity
from node.identity.provider import Client, Provider
from node.sections.section import TlsSettings
from node.sections.security import OidcSettings
from node.transport.tls import client_tls


def identity_of(settings: OidcSettings, now: Callable[[], datetime]) -> Identity:
    """Put together; it is asked when somebody logs in.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    secret = settings.client_secret.get_secret_value()
    return Identity(
        provider=Provider(
            issuer=settings.issuer,
            client=Client(client_id=settings.client_id, secret=secret, scope=settings.scope),
            wanted=(settings.name_claim, settings.role_claim),
            now=now,
            answers=Answers(tls=client_tls(settings.tls or TlsSettings(), "console.oidc")),
        ),
        attempts=Attempts(secret=secret),
        reading=Reading(name_claim=settings.name_claim, role_claim=settings.role_claim, roles=settings.roles),
    )
