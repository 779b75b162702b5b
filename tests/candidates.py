"""A data folder in which one model reads, another is a candidate, and a snapshot is there to compare them on."""

from datetime import datetime
from pathlib import Path

from db import models, snapshots
from db.engine import Database
from db.vocabulary import Split
from node.models import registration
from node.models.comparing import Comparing
from tests.testset import rows, write_model, write_snapshot

PATIENTS = 12


def register(database: Database, data: Path, made: Path, now: datetime) -> str:
    """`bad` reads, `good` is a candidate, and there is a snapshot of twelve test patients; its SHA-256.

    The models' bundles are made below `made`.
    """
    for version, skill in (("bad", -1), ("good", 1)):
        model = write_model(made / version, version=version, skill=skill)
        registration.register(database, model.path, data, by="anna", now=now)
    snapshot = write_snapshot(data / "snapshots", rows(PATIENTS))
    with database.write() as connection:
        models.promote(connection, "bad", by="anna", now=now)
        snapshots.register(
            connection,
            sha256=snapshot.sha256,
            folder="snapshot",
            created_at=now,
            findings=snapshot.findings,
            images={Split.TEST: PATIENTS},
            about={},
        )
    return snapshot.sha256


def comparing(database: Database, data: Path) -> Comparing:
    """The handler of comparisons, which finds that snapshot."""
    return Comparing(database=database, data=data, place_of=lambda _: data / "snapshots" / "snapshot")
