"""What the parts of a process share: settings, database, store, the wake-up, and who watches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pydicom

from db.engine import Database
from node.destinations.commitment import Desk
from node.files import Folder
from node.intake import Intake
from node.register import Register
from node.settings import MIB, Settings
from node.telemetry.observer import Observer
from node.worker import Announce


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """One process's."""

    settings: Settings
    database: Database
    store: Folder
    announce: Announce
    observer: Observer
    now: Callable[[], datetime]

    def desk(self) -> Desk:
        """What knows about storage commitment."""
        reachable = {peer.ae_title for peer in self.settings.dicom.peers if peer.host is not None}
        return Desk(database=self.database, store=self.store, reachable=reachable, announce=self.announce, now=self.now)


def open_store(settings: Settings) -> Folder:
    """The store of a node's settings."""
    return Folder(settings.data / "store", min_free_bytes=settings.dicom.min_free_mb * MIB)


def open_intake(
    settings: Settings, database: Database, store: Folder, *, read: bool, now: Callable[[], datetime]
) -> Intake:
    """The intake of a node's settings; without `read`, what it receives is kept and not read."""
    return Intake(
        store=store,
        database=database,
        register=Register(database=database, store=store),
        quiet_s=settings.study.quiet_s if read else None,
        max_instance_bytes=settings.dicom.max_instance_mb * MIB,
        now=now,
    )


def read_as_it_comes() -> None:
    """A peer's odd values are read as they are; to warn of each is to quote it."""
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
