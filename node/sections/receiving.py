"""What is received, from whom, and when a study is complete."""

import ipaddress
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from node.hl7.report import AccessionField
from node.sections.section import LOOPBACK, AeTitle, Port, Section, TlsSettings


class PeerSettings(Section):
    """A calling AE that may send to the node."""

    ae_title: AeTitle
    """Its AE title, or "*" for any."""
    addresses: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    """Where it may call from: addresses or networks, such as "10.1.2.3" or "10.1.2.0/24"."""
    host: str | None = None
    """Host name or address where it listens itself: for results that go back to it, and its commitment reports."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """TCP port there."""
    tls: TlsSettings | None = None
    """With this, the node speaks TLS to it."""
    certificate_name: str | None = None
    """A name (CN, or an alternative name) that its certificate must have, where [dicom] has `tls_clients`."""

    @model_validator(mode="after")
    def _whole_address(self) -> Self:
        if (self.host is None) != (self.port is None):
            raise ValueError("give host and port, or neither")
        if self.host is not None and self.ae_title == "*":
            raise ValueError("host and port are of one AE title, not of any")
        return self


class DicomSettings(Section):
    """What the node receives, and from whom."""

    ae_title: AeTitle = "CXRNODE"
    """The node's AE title; an association that calls another one is rejected."""
    port: Port = 11112
    """TCP port; 0 takes a free one."""
    peers: tuple[PeerSettings, ...] = (
        PeerSettings(ae_title="*", addresses=tuple(ipaddress.ip_network(text) for text in LOOPBACK)),
    )
    """Who may open an association; everybody else is refused. By default only this machine."""
    max_associations: int = Field(default=200, ge=1)
    """Open associations in all; the next is rejected for now."""
    max_associations_per_address: int = Field(default=100, ge=1)
    """Open associations from one address."""
    max_instance_mb: int = Field(default=512, ge=1)
    """Largest data set, in MiB."""
    min_free_mb: int = Field(default=512, ge=0)
    """Free space, in MiB, below which nothing more is received (status 0xA700; into an SQLite file no reports, AE)."""
    idle_s: float = Field(default=60, gt=0)
    """Seconds an association may be silent."""
    pdu_s: float = Field(default=30, gt=0)
    """Seconds one PDU may take."""
    processes: int = Field(default=1, ge=1, le=64)
    """Processes that receive on the port (SO_REUSEPORT), each with its own limits; more than cores are of no use."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) for DICOM over TLS, on the same port; without one, plain DICOM."""
    tls_key: Path | None = None
    """Its private key (PEM), if not in the same file."""
    tls_clients: Path | None = None
    """Certificates (PEM) of the authorities that callers must be certified by; without them, any caller."""

    @model_validator(mode="after")
    def _certified(self) -> Self:
        if self.tls_clients is None and any(peer.certificate_name for peer in self.peers):
            raise ValueError("a peer has certificate_name, so give tls_certificate and tls_clients")
        _require_certificate(self)
        return self


class Hl7Settings(Section):
    """Where radiologists' reports arrive."""

    port: Port = 2575
    """TCP port of the MLLP listener; 0 takes a free one."""
    peers: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = tuple(
        ipaddress.ip_network(text) for text in LOOPBACK
    )
    """Who may send reports: addresses or networks; everybody else is refused. By default only this machine."""
    accession_from: Annotated[tuple[AccessionField, ...], Field(min_length=1)] = ("OBR-3", "ORC-3", "OBR-18")
    """Where the site puts the accession number; the first of these fields that is filled."""
    max_message_mb: int = Field(default=16, ge=1)
    """Largest message, in MiB."""
    max_connections: int = Field(default=64, ge=1)
    """Open connections; the next is closed."""
    message_s: float = Field(default=30, gt=0)
    """Seconds from a message's start to its end."""
    idle_s: float = Field(default=3600, gt=0)
    """Seconds a connection may be silent."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) for MLLP over TLS; without one, plain MLLP."""
    tls_key: Path | None = None
    """Its private key (PEM), if not in the same file."""
    tls_clients: Path | None = None
    """Certificates (PEM) of the authorities that clients must be certified by; without them, any client."""

    @model_validator(mode="after")
    def _certified(self) -> Self:
        _require_certificate(self)
        return self


def _require_certificate(port: DicomSettings | Hl7Settings) -> None:
    """Refuse settings that mean TLS and would be plain."""
    if port.tls_certificate is None and (port.tls_key or port.tls_clients):
        raise ValueError("tls_key and tls_clients need tls_certificate; without it nothing is encrypted")


class StudySettings(Section):
    """When a study is complete."""

    quiet_s: float = Field(default=5, ge=0)
    """Seconds without a new instance after which a study is read; 0 reads it when the association is released."""
