"""A process says now and then that it is alive, for the pages and commands that show which there are."""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from db import processes
from db.engine import Database
from db.errors import DatabaseError
from db.processes import Process
from node.process.beat import Beat
from node.process.implementation import SOFTWARE_VERSION

log = logging.getLogger(__name__)

EVERY_S = 15.0
SILENT = timedelta(seconds=4 * EVERY_S)
"""After so long without a word a process is taken for gone."""


class Heartbeat:
    """The word of this process, from its start to its stop."""

    def __init__(self, database: Database, roles: Collection[str], now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._me = Process(
            key=str(uuid.uuid4()),
            roles=" ".join(sorted(roles)),
            host=socket.gethostname(),
            pid=os.getpid(),
            version=SOFTWARE_VERSION,
            started_at=now(),
            beat_at=now(),
        )
        self._beat = Beat("heartbeat", EVERY_S, self._say)

    def start(self) -> None:
        """Say it from now on."""
        self._beat.start()

    def stop(self) -> None:
        """Say that it ends."""
        self._beat.stop()
        try:
            with self._database.write() as connection:
                processes.end(connection, self._me.key)
        except DatabaseError:
            log.warning("nobody was told that this process ends")

    def _say(self, _stopping: threading.Event) -> None:
        with self._database.write() as connection:
            processes.beat(connection, replace(self._me, beat_at=self._now()))
