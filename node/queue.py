"""The embedded wake-up: worker threads in this process that sleep until a job is announced.

A lost announcement costs a few seconds, never a job: a thread also looks by itself now and then.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping

from db.errors import DatabaseError
from db.records import JobKind

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""How often an idle thread looks for work nobody announced."""

RunOne = Callable[[Collection[JobKind]], bool]


class LocalQueue:
    """Threads that run jobs.

    Args:
        lanes: for each kind of job, how many threads run only that kind.
    """

    def __init__(self, lanes: Mapping[JobKind, int]) -> None:
        self._lanes = lanes
        self._announced = 0
        self._condition = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def announce(self, job_id: int) -> None:
        """Wake the threads."""
        with self._condition:
            self._announced += 1
            self._condition.notify_all()

    def start(self, run_one: RunOne) -> None:
        """Start the threads."""
        for kind, count in self._lanes.items():
            for number in range(count):
                thread = threading.Thread(target=self._work, args=(run_one, kind), name=f"{kind}:{number}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        """Let each thread end the job it is at, and stop."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self, run_one: RunOne, kind: JobKind) -> None:
        while True:
            with self._condition:
                if self._stopping:
                    return
                announced = self._announced
            try:
                busy = run_one((kind,))
            except DatabaseError:
                log.exception("no work without the database")
                busy = False
            except Exception:
                log.exception("no work for a fault")  # a thread that ended here would be missed by nobody
                busy = False
            if not busy:
                with self._condition:
                    # What was announced since the look above is not slept over.
                    self._condition.wait_for(lambda: self._stopping or self._announced != announced, LOOK_S)  # noqa: B023
