"""Who may send, who did lately, and who was turned away."""

from dataclasses import dataclass

from starlette.responses import Response

from db import audit, studies
from db.engine import Database
from node.console import system
from node.console.access import Visit
from node.console.frame import Frame
from node.settings import Settings

IMAGES = 2000
"""The last images, of which it is said who sent them."""
REFUSALS = ("association.reject", "connection.refuse")
MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """The peers of the node's ports."""

    settings: Settings
    database: Database
    frame: Frame

    def show(self, visit: Visit) -> Response:
        """Three lists: allowed, seen, refused."""
        with self.database.read() as connection:
            seen = studies.seen_lately(connection, IMAGES)
            refused = [entry for action in REFUSALS for entry in audit.found(connection, MOST, action=action)]
        return system.page(
            self.frame,
            "system_callers.html",
            visit,
            allowed=self.settings.dicom.peers,
            reports_from=self.settings.hl7.peers,
            seen=seen,
            images=IMAGES,
            refused=sorted(refused, key=lambda entry: -entry.id)[:MOST],
        )
