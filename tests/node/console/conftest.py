"""A console with a person of each role, whose clock the test moves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette

from db import people
from db.engine import Database
from db.people_records import Role
from db.records import StoredInstance
from db.sessions import Lifetime
from db.vocabulary import Reason
from inference.errors import NotReadable
from nlp.aggregate import Policy
from nlp.datafiles import Sources
from nlp.workers import Pool
from node.console import app
from node.console.imaging import Pictures
from node.console.live import Live
from node.files import Folder
from node.identity import opening
from node.identity.identity import Identity
from node.labels.trials import Trials
from node.pictures.shelf import Size
from node.process.clock import utc_now
from node.settings import load
from node.telemetry.metrics import measure
from node.telemetry.watch import Watch
from tests.node.console.browser import Browser, serving
from tests.node.identity.provider import CLIENT_ID, SECRET
from training.pseudonym import Pseudonyms

if TYPE_CHECKING:
    from tests.node.console.department import Department

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
    """What is kept of everybody's password, made so that it is soon compared: it takes its costs with it."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


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


def no_trials(database: Database) -> Trials:
    """What tries a lexicon, where no test does."""

    def refuse(_sources: Sources) -> Pool:
        raise AssertionError

    return Trials(
        database=database, miners=refuse, language_model="none", policy=Policy.CODED, now=lambda: datetime.now(UTC)
    )


class NoPictures:
    """Makes none, and says so; for pages that show none."""

    def ready(self) -> None:
        """It never is."""

    def radiograph(self, instance: StoredInstance, size: Size) -> bytes:
        """None."""
        raise NotReadable(Reason.DAMAGED, "There is no picture.")

    def heat(self, instance_id: int, model_version: str, finding: str) -> bytes | None:
        """None."""
        return None


def console(
    database: Database,
    data: Path,
    clock: Callable[[], datetime] | None = None,
    *,
    encrypted: bool = False,
    fixed_model: bool = False,
    trials: Trials | None = None,
    pseudonyms: Pseudonyms | None = None,
    live: Live | None = None,
    pictures: Pictures | None = None,
    viewer_url: str | None = None,
    identity: Identity | None = None,
    **options: Any,
) -> Starlette:
    """The application; without `live` a stream of changes ends after its first look, and there are no pictures.

    Options are dotted names of settings.
    """
    options = {"console.time_zone": "Europe/Berlin", "console.viewer_url": viewer_url} | options
    if fixed_model:
        options["reading.model"] = data
    settings = load(None, data=data, **{name: value for name, value in options.items() if value is not None})
    store = Folder(data / "store")
    store.close()  # pages read, and write nothing there
    return app.build(
        settings=settings,
        database=database,
        store=store,
        announce=lambda _job_id: None,
        encrypted=encrypted,
        lifetime=LIFETIME,
        now=clock or Clock(),
        watch=Watch(metrics=measure(), checks={}),
        trials=trials or no_trials(database),
        live=live or Live(database, every_s=0, lasting_s=0),
        pseudonyms=pseudonyms,
        identity=identity,
        pictures=pictures or NoPictures(),
    )


def known_to(
    issuer: str, database: Database, data: Path, clock: Clock | None = None, *, passwords: bool = True
) -> Starlette:
    """The application of a node that an identity provider knows, whose tokens have real times, as the node then has."""
    now = clock or utc_now
    roles = {"cxr-readers": "radiologist", "cxr-admins": "administrator"}
    oidc = {
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "roles": roles,
        "passwords": passwords,
    }
    settings = load(None, **{"console.oidc": oidc}).console.oidc
    assert settings is not None
    return console(database, data, now, identity=opening.identity_of(settings, now), **{"console.oidc": oidc})


@pytest.fixture
def client(database: Database, tmp_path: Path, clock: Clock) -> Iterator[Browser]:
    """A browser in which nobody is logged in."""
    with serving(console(database, tmp_path, clock)) as client:
        yield client


@pytest.fixture(scope="session")
def department(
    migrated_file: Path, password_hash: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Department"]:
    """A department at work, to be looked at and not changed."""
    from tests.node.console.department import at_work  # noqa: PLC0415 - its models' libraries take a second

    with at_work(migrated_file, password_hash, tmp_path_factory.mktemp("department")) as found:
        yield found
