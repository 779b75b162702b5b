"""Databases with the schema: copies of one that was migrated, once a session."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from db import migration
from db.engine import Connection, Database, connect
from db.schema import metadata
from tests.peers.databases import Postgres

OTHERS_GO = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
LARGEST = (
    "SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
LARGE = 10 * 8192
"""Bytes of a table: PostgreSQL plans for ten pages where it has counted none, so up to there it is as a new one."""
NUMBERS_BEGIN_AGAIN = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"


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


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: Postgres, migrated_template: str) -> Iterator[Database]:
    """A PostgreSQL database with the schema, for one test after the other: `postgres_database` empties it."""
    database = connect(postgres_server.create_database(template=migrated_template))
    yield database
    database.close()


@pytest.fixture
def postgres_database(migrated_postgres: Database) -> Database:
    """An empty PostgreSQL database with the schema."""
    migrated_postgres.close()  # its idle connections are closed with all the others
    with migrated_postgres.write() as connection:
        _empty(connection)
    return migrated_postgres


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with the schema: each test that asks for it runs on SQLite and on PostgreSQL."""
    ask: Callable[[str], Any] = request.getfixturevalue
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(ask('migrated_file'), tmp_path / 'cxr.db')}"
    database: Database = ask("postgres_database")
    return database.engine.url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As `migrated_url`, for a test that changes the schema: a database of its own, whose end is the test's."""
    ask: Callable[[str], Any] = request.getfixturevalue
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(ask('migrated_file'), tmp_path / 'cxr.db')}"
        return
    server: Postgres = ask("postgres_server")
    url = server.create_database(template=ask("migrated_template"))
    yield url
    server.drop_database(url)


def _empty(connection: Connection) -> None:
    """Take all rows out of a PostgreSQL database, whoever is still connected to it.

    Few rows are deleted, which takes a hundredth of the time that TRUNCATE takes with all these tables.
    """
    connection.exec_driver_sql(OTHERS_GO)
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    if connection.exec_driver_sql(LARGEST).scalar_one() > LARGE:
        connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)}")
    else:
        connection.exec_driver_sql("; ".join(f"DELETE FROM {table}" for table in tables))
    connection.exec_driver_sql(NUMBERS_BEGIN_AGAIN)


def _migrate(url: str) -> None:
    database = connect(url)
    migration.upgrade(database)
    database.close()
