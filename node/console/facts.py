"""What is under way or waits for a person, and which processes are alive; nothing of a patient.

What is done is not counted, for there may be a million of it.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from db import backlog, deliveries, holdings, models, processes, studies
from db.backlog import Undone
from db.engine import Database
from db.processes import Process
from db.records import Absence, Job, StudyState
from node.process.heartbeat import SILENT

UNDER_WAY = (StudyState.ARRIVING, StudyState.QUEUED, StudyState.FAILED)
"""The states of a study that is not at its end, or that waits for a person."""
GONE = (Absence.DAMAGED, Absence.MISSING, Absence.LOST)
"""Why files are not there; those that retention removed may be a million, and wait for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A process, and what it works on; `silent` if it has not been heard of."""

    process: Process
    jobs: tuple[Job, ...]
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """Results that have not arrived at a destination, in a state of theirs."""

    destination: str
    state: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The state of the node. `model` is the version in service and `shadow` the one beside it, None while none is.

    `queues` are the jobs that are not done; `studies` those of `UNDER_WAY`, by their states; `gone` are files, by why
    they are not there.
    """

    model: str | None
    shadow: str | None
    free_bytes: int
    processes: tuple[Life, ...]
    queues: tuple[Undone, ...]
    studies: dict[str, int]
    gone: dict[Absence, int]
    unsettled: tuple[Unsettled, ...]


def gather(database: Database, data: Path, now: datetime) -> Facts:
    """Ask the database and the disk.

    Raises:
        db.errors.DatabaseUnavailableError: the database does not answer.
    """
    with database.read() as connection:
        model, shadow = models.current(connection), models.shadow(connection)
        counts, gone = studies.counts(connection, UNDER_WAY), holdings.counts(connection, GONE)
        return Facts(
            model=model.version if model else None,
            shadow=shadow.version if shadow else None,
            free_bytes=shutil.disk_usage(data).free,
            processes=_lives(processes.every(connection), backlog.running(connection), now),
            queues=tuple(backlog.undone(connection)),
            studies={state: counts.get(state, 0) for state in UNDER_WAY},
            gone={absence: gone[absence] for absence in GONE if absence in gone},
            unsettled=tuple(
                Unsettled(destination=name, state=state, count=count)
                for name, state, count in sorted(deliveries.unsettled(connection))
            ),
        )


def _lives(alive: Iterable[Process], running: Iterable[Job], now: datetime) -> tuple[Life, ...]:
    """Each process with its jobs."""
    running = list(running)
    return tuple(
        Life(
            process=one,
            jobs=tuple(job for job in running if (job.owner or "").startswith(one.owner)),
            silent=now - one.beat_at > SILENT,
        )
        for one in alive
    )
