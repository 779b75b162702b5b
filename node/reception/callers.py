"""Who may send to the node, who did lately, and who was turned away."""

from dataclasses import dataclass

from db import audit, studies
from db.audit import AuditEntry
from db.engine import Database
from db.studies import Caller
from node.sections.receiving import PeerSettings
from node.settings import Settings

IMAGES = 2000
"""The last images, of which it is said who sent them."""
REFUSALS = ("association.reject", "connection.refuse")
MOST = 50
"""Refusals that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """An AE that may send images ("*": any), where from, and where it listens itself if the settings say so."""

    ae_title: str
    addresses: tuple[str, ...]
    host: str | None
    port: int | None
    certificate_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """The peers of the node's ports: `seen` sent the last images, who was last first; `refused`, the newest first."""

    allowed: tuple[Allowed, ...]
    reports_from: tuple[str, ...]
    seen: tuple[Caller, ...]
    refused: tuple[AuditEntry, ...]


def gather(database: Database, settings: Settings) -> Callers:
    """Ask the settings and the database.

    Raises:
        db.errors.DatabaseUnavailableError: the database does not answer.
    """
    with database.read() as connection:
        seen = studies.seen_lately(connection, IMAGES)
        refused = [entry for action in REFUSALS for entry in audit.found(connection, MOST, action=action)]
    return Callers(
        allowed=tuple(map(_allowed, settings.dicom.peers)),
        reports_from=tuple(map(str, settings.hl7.peers)),
        seen=tuple(seen),
        refused=tuple(sorted(refused, key=lambda entry: -entry.id)[:MOST]),
    )


def _allowed(peer: PeerSettings) -> Allowed:
    return Allowed(
        ae_title=peer.ae_title,
        addresses=tuple(map(str, peer.addresses)),
        host=peer.host,
        port=peer.port,
        certificate_name=peer.certificate_name,
    )
