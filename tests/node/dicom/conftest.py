"""A listening Scp on a free port, and a raw peer to attack it with."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from db import studies
from db.engine import Database
from node.dicom.acceptance import Acceptance, Peer
from node.dicom.association import Limits
from node.dicom.scp import Scp
from node.files import Folder
from node.intake import Intake
from node.register import Register
from tests.node.dicom.raw import RawPeer

PATIENT = Limits(max_pdu_bytes=16 * 1024, request_s=30, idle_s=30, pdu_s=30, tick_s=0.1)
"""Ends nobody for being slow, as everybody is on a busy machine."""


class Receiver:
    """An Scp with its store and database, and what they hold."""

    def __init__(self, folder: Path, database: Database, **options: Any) -> None:
        self.store = folder / "store"
        self.database = database
        self.rejected: list[tuple[str, str, str]] = []
        loopback = (ip_network("127.0.0.0/8"),)
        peers = options.pop("peers", (Peer(ae_title="*", networks=loopback),))
        store = Folder(self.store)
        usual: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": 0,
            "acceptance": Acceptance(ae_title="CXRNODE", peers=peers),
            "intake": Intake(
                store=store,
                database=self.database,
                register=Register(database=self.database, store=store),
                quiet_s=5,
                max_instance_bytes=10**6,
                now=lambda: datetime.now(UTC),
            ),
            "on_reject": lambda *facts: self.rejected.append(facts),
            "limits": PATIENT,
        }
        self.scp = Scp(**usual | options)
        self.scp.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.scp.port

    def files(self) -> list[Path]:
        """All there is in the store."""
        return [path for path in self.store.rglob("*") if path.is_file()]

    def uids(self) -> list[str]:
        """The SOP Instance UIDs that have rows."""
        with self.database.read() as connection:
            return list(studies.instance_uids(connection))

    def stop(self) -> None:
        """Close the port."""
        self.scp.stop(0.5)


@pytest.fixture
def start_receiver(tmp_path: Path, sqlite_database: Database) -> Iterator[Callable[..., Receiver]]:
    """Receivers that are stopped at the end; options are those of Scp, and `peers`."""
    running: list[Receiver] = []

    def start(**options: Any) -> Receiver:
        receiver = Receiver(tmp_path, sqlite_database, **options)
        running.append(receiver)
        return receiver

    yield start
    for receiver in running:
        receiver.stop()


@pytest.fixture
def limits() -> Limits:
    """Of the receiver; a test of a deadline is given others."""
    return PATIENT


@pytest.fixture
def receiver(start_receiver: Callable[..., Receiver], limits: Limits) -> Receiver:
    """A receiver that takes anybody from loopback."""
    return start_receiver(limits=limits)


@pytest.fixture
def peer(receiver: Receiver) -> Iterator[RawPeer]:
    """A connection to the receiver, not associated."""
    with RawPeer(receiver.port) as raw:
        yield raw
