"""Databases with the schema: copies of one that was migrated, once a session."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db import migration
from db.engine import Database, connect
from tests.peers.databases import Postgres


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "cxr.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Postgres) -> str:
    """A PostgreSQL database with the schema and nothing in it, to be a template; its URL."""
    url = postgres_server.create_database()
    _migrate(url)
    return url


@pytest.fixture
def sqlite_database(migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database with the schema, for what does not depend on the kind."""
    database = connect(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'cxr.db')}")
    yield database
    database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database with the schema: each test that asks for it runs on SQLite and on PostgreSQL."""
    ask: Callable[[str], object] = request.getfixturevalue
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(str(ask('migrated_file')), tmp_path / 'cxr.db')}"
        return
    server = ask("postgres_server")
    assert isinstance(server, Postgres)
    url = server.create_database(template=str(ask("migrated_template")))
    yield url
    server.drop_database(url)


def _migrate(url: str) -> None:
    database = connect(url)
    migration.upgrade(database)
    database.close()
