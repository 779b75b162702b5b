"""The system: what is under way, what waits for a person, and which processes are alive."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.responses import Response

from db import backlog, deliveries, models, processes, studies
from db.backlog import Undone
from db.engine import Database
from db.people_records import Role
from db.processes import Process
from db.records import Job, StudyState
from node.console.access import Visit
from node.console.frame import Frame
from node.console.words import DELIVERY_STATES, STUDY_STATES, WORRYING
from node.heartbeat import SILENT

PARTS = (
    ("/system", "Overview", Role.VIEWER),
    ("/system/jobs", "Jobs", Role.VIEWER),
    ("/system/destinations", "Destinations", Role.VIEWER),
    ("/system/callers", "Callers", Role.VIEWER),
    ("/system/audit", "Audit log", Role.ADMINISTRATOR),
    ("/system/settings", "Settings", Role.ADMINISTRATOR),
)
"""Path, name and least role of each page of the system."""
UNDER_WAY = (StudyState.ARRIVING, StudyState.QUEUED, StudyState.FAILED)
"""The states of a study that is not at its end, or that waits for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How much there is in a state; `worrying` if it waits for a person."""

    words: str
    number: int
    worrying: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A process, and what it works on; `silent` if it has not been heard of."""

    process: Process
    jobs: tuple[Job, ...]
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Jobs of a kind in a state, and how long the oldest of them could have run."""

    undone: Undone
    age: str
    worrying: bool


def page(frame: Frame, template: str, visit: Visit, status: int = 200, **values: Any) -> Response:
    """A page of the system, with the way to the others."""
    role = visit.somebody.role
    parts = [(path, name) for path, name, needed in PARTS if role.includes(needed)]
    return frame.page(template, visit, status, parts=parts, administers=role.includes(Role.ADMINISTRATOR), **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The overview, and the part of it that renews itself."""

    database: Database
    data: Path
    frame: Frame
    now: Callable[[], datetime]

    def show(self, visit: Visit) -> Response:
        """For a person."""
        return page(self.frame, "system.html", visit, **self._state())

    def counts(self, visit: Visit) -> Response:
        """What renews itself, alone."""
        return self.frame.page("counts.html", visit, **self._state())

    def _state(self) -> dict[str, Any]:
        """What is under way or waits for a person; what is done is not counted, for there may be a million of it."""
        now = self.now()
        with self.database.read() as connection:
            model, shadow = models.current(connection), models.shadow(connection)
            alive, running = processes.every(connection), backlog.running(connection)
            undone, unsettled = backlog.undone(connection), deliveries.unsettled(connection)
            under_way = studies.counts(connection, UNDER_WAY)
        return {
            "model": model.version if model else None,
            "shadow": shadow.version if shadow else None,
            "free_bytes": shutil.disk_usage(self.data).free,
            "lives": lives(alive, running, now),
            "queues": [_queue(each, now) for each in undone],
            "studies": [_count(STUDY_STATES, state, under_way.get(state, 0)) for state in UNDER_WAY],
            "deliveries": [(name, _count(DELIVERY_STATES, state, count)) for name, state, count in sorted(unsettled)],
        }


def lives(alive: Iterable[Process], running: Iterable[Job], now: datetime) -> list[Life]:
    """Each process with its jobs."""
    running = list(running)
    return [
        Life(
            process=one,
            jobs=tuple(job for job in running if (job.owner or "").startswith(one.owner)),
            silent=now - one.beat_at > SILENT,
        )
        for one in alive
    ]


def age(of: timedelta) -> str:
    """A time that has passed, in the largest unit that fits."""
    seconds = max(0, round(of.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _queue(undone: Undone, now: datetime) -> Queue:
    return Queue(undone=undone, age=age(now - undone.oldest), worrying=undone.state in WORRYING)


def _count(words: Mapping[str, str], state: str, number: int) -> Count:
    return Count(words=words[state], number=number, worrying=state in WORRYING and number > 0)
