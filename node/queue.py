"""The embedded wake-up: worker threads in this process that sleep until a job is announced.

A lost announcement costs a few seconds, never a job: a thread also looks by itself now and then.
"""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from db.errors import DatabaseError
from db.jobs import SENDING
from db.records import JobKind
from node.worker import ANYWHERE, Towards

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""How often an idle thread looks for work nobody announced."""


class RunOne(Protocol):
    """Runs one job of these kinds, if there is one that may run now."""

    def __call__(self, kinds: Collection[JobKind], towards: Towards = ANYWHERE, /) -> bool: ...


class LocalQueue:
    """Threads that run jobs.

    Args:
        lanes: for each kind of job, how many threads run only that kind.
        destinations: each has as many threads of its own for what is sent, so that one that hangs delays no other.
            What goes elsewhere (to a destination that left the settings) has one thread.
    """

    def __init__(self, lanes: Mapping[JobKind, int], destinations: Sequence[str] = ()) -> None:
        self._lanes: list[tuple[tuple[JobKind, ...], Towards, int]] = [
            ((kind,), ANYWHERE, count) for kind, count in lanes.items() if kind is not JobKind.DELIVER
        ]
        if senders := lanes.get(JobKind.DELIVER, 0):
            self._lanes += [(SENDING, Towards(to=name), senders) for name in destinations]
            self._lanes.append((SENDING, Towards(not_to=tuple(destinations)), 1))
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
        for kinds, towards, count in self._lanes:
            for number in range(count):
                name = f"{kinds[0]}:{towards.to or ''}:{number}"
                thread = threading.Thread(target=self._work, args=(run_one, kinds, towards), name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        """Let each thread end the job it is at, and stop."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self, run_one: RunOne, kinds: Collection[JobKind], towards: Towards) -> None:
        while True:
            with self._condition:
                if self._stopping:
                    return
                announced = self._announced
            try:
                busy = run_one(kinds, towards)
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
