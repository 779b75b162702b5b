"""A console with a person of each role, whose clock the test moves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from db import people
from db.engine import Database
from db.records import Role
from db.sessions import Lifetime
from node import passwords
from node.console import app
from node.files import Folder
from node.settings import load
from node.telemetry.metrics import measure
from node.telemetry.watch import Watch
from tests.node.console.browser import Browser, serving
from training.pseudonym import Pseudonyms

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASSWORD = "lamp otter granite seven"
LIFETIME = Lifetime(idle=timedelta(minutes=30), longest=timedelta(hours=12))


@dataclass(slots=True)
class Clock:
    """The console's time."""

    at: datetime = field(default=NOON)

    def __call__(self) -> datetime:
        """Now."""
        return self.at

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self.at += timedelta(**by)


@pytest.fixture(scope="session")
def password_hash() -> str:
    """What is kept of everybody's password."""
    return passwords.hashed(PASSWORD)


@pytest.fixture
def clock() -> Clock:
    """Noon, until it is moved."""
    return Clock()


@pytest.fixture
def database(sqlite_database: Database, password_hash: str) -> Database:
    """A database with a person of each role, named for it; tests/db has what depends on its kind."""
    return with_people(sqlite_database, password_hash)


def with_people(database: Database, password_hash: str) -> Database:
    """The database, with a person of each role in it."""
    with database.write() as connection:
        for role in Role:
            people.add(connection, name=role, password_hash=password_hash, role=role, now=NOON)
    return database


def console(
    database: Database,
    data: Path,
    clock: Clock | None = None,
    *,
    encrypted: bool = False,
    pseudonyms: Pseudonyms | None = None,
    **options: Any,
) -> Starlette:
    """The application; options are dotted names of settings."""
    settings = load(None, data=data, **options)
    return app.build(
        settings=settings,
        database=database,
        store=Folder(data / "store"),
        announce=lambda _job_id: None,
        encrypted=encrypted,
        lifetime=LIFETIME,
        now=clock or Clock(),
        watch=Watch(metrics=measure(), checks={}),
        pseudonyms=pseudonyms,
    )


@pytest.fixture
def client(database: Database, tmp_path: Path, clock: Clock) -> Iterator[Browser]:
    """A browser in which nobody is logged in."""
    with serving(console(database, tmp_path, clock)) as client:
        yield client
