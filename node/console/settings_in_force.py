"""The settings in force, secrets masked, and the libraries that the node runs with."""

from dataclasses import dataclass

from starlette.responses import Response

from node.console import system
from node.console.access import Visit
from node.console.frame import Frame
from node.process import floors
from node.sections import table
from node.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsInForce:
    """For administrators: it says where everything is."""

    settings: Settings
    frame: Frame

    def show(self, visit: Visit) -> Response:
        """Each setting with its value and its meaning."""
        return system.page(
            self.frame,
            "system_settings.html",
            visit,
            settings=table.rows(self.settings),
            libraries=floors.libraries(),
        )
