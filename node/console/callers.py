"""Who may send, who did lately, and who was turned away."""

from dataclasses import dataclass

from starlette.responses import Response

from db.engine import Database
from node.console import system
from node.console.access import Visit
from node.console.frame import Frame
from node.reception.callers import IMAGES, gather
from node.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CallersPage:
    """The peers of the node's ports."""

    settings: Settings
    database: Database
    frame: Frame

    def show(self, visit: Visit) -> Response:
        """Three lists: allowed, seen, refused."""
        callers = gather(self.database, self.settings)
        return system.page(self.frame, "system_callers.html", visit, callers=callers, images=IMAGES)
