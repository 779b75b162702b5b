"""The system: what is under way, what waits for a person, and which processes are alive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.responses import Response

from db.backlog import Undone
from db.engine import Database
from db.people_records import Role
from db.records import Absence
from node.console.access import Visit
from node.console.facts import gather
from node.console.frame import Frame
from node.console.words import ABSENCES, DELIVERY_STATES, STUDY_STATES, WORRYING

PARTS = (
    ("/system", "Overview", Role.VIEWER),
    ("/system/jobs", "Jobs", Role.VIEWER),
    ("/system/destinations", "Destinations", Role.VIEWER),
    ("/system/callers", "Callers", Role.VIEWER),
    ("/system/audit", "Audit log", Role.ADMINISTRATOR),
    ("/system/settings", "Settings", Role.ADMINISTRATOR),
)
"""Path, name and least role of each page of the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How much there is in a state; `worrying` if it waits for a person."""

    words: str
    number: int
    worrying: bool


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
        """What there is, in words."""
        now = self.now()
        found = gather(self.database, self.data, now)
        return {
            "model": found.model,
            "shadow": found.shadow,
            "free_bytes": found.free_bytes,
            "lives": found.processes,
            "queues": [_queue(each, now) for each in found.queues],
            "studies": [_count(STUDY_STATES, state, number) for state, number in found.studies.items()],
            "gone": [_gone(absence, number) for absence, number in found.gone.items()],
            "deliveries": [
                (each.destination, _count(DELIVERY_STATES, each.state, each.count)) for each in found.unsettled
            ],
        }


def age(of: timedelta) -> str:
    """A time that has passed, in the largest unit that fits."""
    seconds = max(0, round(of.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _queue(undone: Undone, now: datetime) -> Queue:
    return Queue(undone=undone, age=age(now - undone.oldest), worrying=undone.state in WORRYING)


def _gone(absence: Absence, number: int) -> Count:
    return Count(words=ABSENCES[absence], number=number, worrying=absence is not Absence.LOST)


def _count(words: Mapping[str, str], state: str, number: int) -> Count:
    return Count(words=words[state], number=number, worrying=state in WORRYING and number > 0)
