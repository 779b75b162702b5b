"""A migrated database of either kind for each test. PostgreSQL's is one for the session, emptied between tests."""

import pytest

from db.engine import Database


@pytest.fixture
def sqlite(sqlite_database: Database) -> Database:
    """An empty SQLite database with the schema."""
    return sqlite_database


@pytest.fixture
def postgres(postgres_database: Database) -> Database:
    """An empty PostgreSQL database with the schema."""
    return postgres_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer)])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database with the schema: each test that asks for it runs on SQLite and on PostgreSQL."""
    found: Database = request.getfixturevalue(request.param)
    return found
