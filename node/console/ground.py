"""What the pages of the console stand on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from db.engine import Database
from node.console.frame import Frame
from node.console.masking import Mask
from node.console.viewing import Viewing
from node.files import InstanceStore
from node.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The node as far as its pages reach it, and what they all look like.

    Args:
        announce: wakes a worker for a job.
        mask: hides what names a patient, where the site wants that.
    """

    settings: Settings
    database: Database
    store: InstanceStore
    announce: Callable[[int], None]
    now: Callable[[], datetime]
    mask: Mask
    frame: Frame
    viewing: Viewing

    @property
    def zone(self) -> tzinfo | None:
        """The site's, in which today begins; None is this machine's."""
        return self.settings.console.time_zone

    @property
    def fixed(self) -> bool:
        """Whether the settings name the model that reads, whatever is promoted."""
        return self.settings.reading.model is not None
