"""A model beside the one that reads, on the live images that both have read."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from db import backlog, labels, models, results
from db.engine import Connection
from db.learning_records import ModelState
from db.records import JobKind
from node.errors import SettingsError
from node.models.agreement import Agreement, agreements


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveComparison:
    """What the model that reads (`current`) and another one said, by finding.

    `state` is the other's; `waiting` are studies that the shadow has yet to read.
    """

    current: str
    other: str
    state: ModelState
    waiting: int
    findings: tuple[Agreement, ...]


def compare(connection: Connection, version: str | None, since: datetime | None = None) -> LiveComparison:
    """Set a model, without a version the shadow, beside the current one; only of studies that came from `since` on.

    Raises:
        SettingsError: there are no two models.
        db.errors.UnknownModelError: there is no such model.
    """
    current = models.current(connection)
    other = models.shadow(connection) if version is None else models.get(connection, version)
    if current is None or other is None or current.version == other.version:
        raise SettingsError("there are no two models to compare; let one read with `cxr models shadow VERSION`")
    said = {each.study_id: each for each in labels.of_studies(connection, since=since)}
    pairs = results.pairs(connection, current.version, other.version, since)
    return LiveComparison(
        current=current.version,
        other=other.version,
        state=other.state,
        waiting=backlog.unfinished_count(connection, JobKind.SHADOW),
        findings=tuple(agreements(pairs, said)),
    )


def begin_of(days: int, now: datetime, zone: tzinfo | None) -> datetime:
    """When so many days of the site began, of which today is the last."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days - 1)
