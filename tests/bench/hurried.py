"""A node whose clock goes ten times as fast, so that an outage of ten minutes is one: `cxr serve` but for that.

What waits by the database's times (quiet periods, back-off, leases) waits a tenth; work takes as long as ever, and so
counts ten times in the node's own minutes. Nothing but `outage.py` runs it.
"""

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from node import wiring
from node.commands.serve import SWITCH_S
from node.process import logs
from node.settings import load

HASTE = 10


def serve() -> None:
    """Serve the settings of the file that the command line names, until SIGTERM."""
    sys.setswitchinterval(SWITCH_S)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = load(Path(sys.argv[1]))
    logs.configure(settings.log.level, settings.log.format)
    began = datetime.now(UTC)
    node = wiring.build(settings, now=lambda: began + HASTE * (datetime.now(UTC) - began))
    node.start()
    while not stop.wait(1):
        pass
    node.stop()
