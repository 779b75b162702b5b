"""Who is let in by the site's identity provider, and where the audit log goes besides the database."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from db.people_records import Role
from node.sections.section import Secret, Section, TlsSettings, is_private


def _guarded(url: str) -> str:
    if not is_private(url):
        raise ValueError("it is not like https://login.example.org/realms/hospital")
    return url


class AuditSettings(Section):
    """Where the audit log goes besides the database: DICOM audit messages to the site's repository."""

    syslog: (
        Annotated[str, StringConstraints(pattern=r"^[^\s:\[\]]+:[0-9]{1,5}$|^\[[0-9a-fA-F:]+\]:[0-9]{1,5}$")] | None
    ) = None
    """`host:port` of a syslog collector (RFC 5424). The messages have patients' ids; without it, nothing is sent."""
    transport: Literal["tcp", "udp"] = "tcp"
    """`tcp`: what did not arrive is sent again; `udp`: what is lost is lost."""
    tls: TlsSettings | None = None
    """With this, TCP goes over TLS (RFC 5425)."""

    @property
    def host(self) -> str:
        """The collector's."""
        return (self.syslog or "").rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The collector's."""
        return int((self.syslog or ":0").rpartition(":")[2])

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.port > 65535:
            raise ValueError("the port of syslog is at most 65535")
        if self.tls is not None and self.transport == "udp":
            raise ValueError("tls is for tcp; UDP is not encrypted")
        return self


class OidcSettings(Section):
    """The site's identity provider (OpenID Connect); it needs the extra `oidc`."""

    issuer: Annotated[str, StringConstraints(pattern=r"^https?://[^?#@\s]+$"), AfterValidator(_guarded)]
    """Its URL, as its own configuration names it: "https://login.example.org/realms/hospital"."""
    client_id: Annotated[str, StringConstraints(min_length=1)]
    """What the provider calls this node."""
    client_secret: Secret
    """What proves to the provider who asks: `file:...`, `env:...` or itself."""
    scope: str = "openid profile"
    """What the provider is asked for; some give groups only if they are asked."""
    name_claim: str = "preferred_username"
    """The claim that names a person."""
    role_claim: str = "groups"
    """The claim that has a person's groups or roles; one within another as `realm_access.roles`."""
    roles: Annotated[dict[str, Role], Field(min_length=1)]
    """Which role a value of that claim gives; of several the highest. Who has none of them is refused."""
    passwords: bool = True
    """Let people in with a password of the node, too, as when the provider is down; false refuses them."""
    tls: TlsSettings | None = None
    """Own certificates and authorities for the provider's https."""
