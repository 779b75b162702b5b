"""How much there is in each state, done or not; nothing of a patient."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from db import backlog, deliveries, models, reports, studies
from db.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The state of the node. `model` is the version in service, None while no model is promoted."""

    model: str | None
    studies: dict[str, int]
    jobs: dict[str, int]
    deliveries: dict[str, int]
    reports: dict[str, int]
    free_bytes: int


def gather(database: Database, data: Path) -> Facts:
    """Ask the database and the disk.

    Raises:
        db.errors.DatabaseUnavailableError: the database does not answer.
    """
    with database.read() as connection:
        current = models.current(connection)
        return Facts(
            model=current.version if current else None,
            studies=studies.counts(connection),
            jobs=backlog.counts(connection),
            deliveries=deliveries.counts(connection),
            reports=reports.counts(connection),
            free_bytes=shutil.disk_usage(data).free,
        )
