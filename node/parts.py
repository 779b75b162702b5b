"""A node and its parts: what each may play, and how they begin and end."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from db.engine import Database
from node.files import Folder
from node.settings import Settings


class NodeRole(StrEnum):
    """A part that a node plays; in a cluster each may be a process of its own."""

    SCP = "scp"
    HL7 = "hl7"
    RECONCILE = "reconcile"
    CONSOLE = "console"
    WORK = "work"


class Service(Protocol):
    """What runs from the node's start to its stop."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End what runs; leave what waits."""


class Door(Service, Protocol):
    """What lets peers or people in, on a TCP port."""

    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node, put together and not yet started.

    Args:
        services: in the order in which they start.
        doors: those of them that let somebody in.
    """

    settings: Settings
    roles: frozenset[NodeRole]
    database: Database
    store: Folder
    services: tuple[Service, ...]
    doors: Mapping[NodeRole, Door]

    def start(self) -> None:
        """Start in this order; each step finds the work of the ones before it done.

        1. Sweep: what killed processes left half written is removed, before anything new is begun.
        2. Reconcile, once and from then on: leases that ran out go back to the queue, studies that became quiet
           meanwhile become jobs. Where the settings ask for it, retention and the sending of the audit log begin too.
        3. Mining catches up: what the miner in force has not mined becomes its job.
        4. Work: the threads take jobs up, those that a kill left behind first.
        5. Peers are let in, last of all: DICOM, HL7, then the console, which says that the node is there.

        The database was brought up to date, and the ports were taken, when the node was built; whoever calls before
        the last step waits in the backlog. A process with fewer roles leaves steps out and keeps the order.
        """
        self.store.sweep()
        for service in self.services:
            service.start()

    def stop(self) -> None:
        """The other way round; what is running ends, what is waiting waits for the next start."""
        for service in reversed(self.services):
            service.stop()
        self.store.close()
        self.database.close()

    @property
    def scp(self) -> Door:
        """Where DICOM comes in."""
        return self.doors[NodeRole.SCP]

    @property
    def listener(self) -> Door:
        """Where HL7 comes in."""
        return self.doors[NodeRole.HL7]

    @property
    def console(self) -> Door:
        """Where people look."""
        return self.doors[NodeRole.CONSOLE]
