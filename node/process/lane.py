"""A lane: so many places for one kind of work, in a process whose threads are called from outside."""

import threading
from collections.abc import Callable


class Lane:
    """Lets so many callers work at a time.

    Whoever comes when all places are taken leaves at once, and those inside look once more for what it came for; so
    work that hangs holds up no thread but those in its own lane.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside = 0
        self._calls = 0
        self._lock = threading.Lock()

    def drain(self, run_one: Callable[[], bool]) -> None:
        """Run what there is to run, unless others are at it. `run_one` returns False when there is nothing."""
        with self._lock:
            self._calls += 1
            if self._inside == self._places:
                return
            self._inside += 1
        try:
            while self._again(run_one):
                pass
        except BaseException:
            with self._lock:
                self._inside -= 1
            raise

    def _again(self, run_one: Callable[[], bool]) -> bool:
        """Run all there is; False, and the place is free, if nobody came meanwhile."""
        calls = self._calls
        while run_one():
            pass
        with self._lock:
            if calls != self._calls:
                return True
            self._inside -= 1
            return False
