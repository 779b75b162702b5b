"""A thread that does one thing now and then."""

import logging
import threading
from collections.abc import Callable

from db.errors import DatabaseError

log = logging.getLogger(__name__)


class Beat:
    """Acts at the start, and again so many seconds after each time."""

    def __init__(self, name: str, every_s: float, act: Callable[[threading.Event], object]) -> None:
        """Start nothing yet; `act` is given an event that says to stop early."""
        self._every_s = every_s
        self._act = act
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end what it is at, and stop."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._act(self._stopping)
            except DatabaseError:
                log.exception("nothing done without the database", extra={"fields": {"thread": self._thread.name}})
            except Exception:
                log.exception("nothing done for a fault", extra={"fields": {"thread": self._thread.name}})
            self._stopping.wait(self._every_s)
