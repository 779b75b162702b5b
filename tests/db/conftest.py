"""A migrated database of either kind for each test. PostgreSQL's is one for the session, emptied between tests."""

from collections.abc import Iterator

import pytest

from db import migration
from db.engine import Database, connect
from db.schema import metadata
from tests.peers.databases import Postgres


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: Postgres) -> Iterator[Database]:
    """A PostgreSQL database with the schema."""
    database = connect(postgres_server.create_database())
    migration.upgrade(database)
    yield database
    database.close()


@pytest.fixture
def sqlite(sqlite_database: Database) -> Database:
    """An empty SQLite database with the schema."""
    return sqlite_database


@pytest.fixture
def postgres(migrated_postgres: Database) -> Database:
    """An empty PostgreSQL database with the schema."""
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    with migrated_postgres.write() as connection:
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
    return migrated_postgres


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer)])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database with the schema: each test that asks for it runs on SQLite and on PostgreSQL."""
    found: Database = request.getfixturevalue(request.param)
    return found
