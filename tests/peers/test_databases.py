"""The databases that the tests start are real and empty."""

from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, inspect

from tests.peers.databases import Postgres, Redis


def test_postgresql_answers_a_query(postgres_url: str) -> None:
    """A test's PostgreSQL database answers SELECT 1."""
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT 1").fetchone()

    assert row == (1,)


@pytest.mark.peer
def test_postgresql_comes_back_after_a_kill() -> None:
    """A killed PostgreSQL starts again on the same port, with what was committed."""
    server = Postgres()
    try:
        url = server.create_database()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE study (uid text)")
        server.kill()

        server.start()

        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM study").fetchone() == (0,)
    finally:
        server.close()


def test_redis_answers_ping(redis_url: str) -> None:
    """The session's Redis answers PING and keeps nothing on disk."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
        assert client.config_get("save") == {"save": ""}


def test_redis_forgets_when_killed(tmp_path: Path, redis_url: str) -> None:
    """A killed Redis comes back on the same port without what it held."""
    server = Redis(tmp_path)
    with redis.Redis.from_url(server.url) as client:
        client.set("job", "1")
        server.kill()
        server.start()

        found = client.get("job")

    server.kill()
    assert found is None


def test_each_database_starts_empty(database_url: str) -> None:
    """A test gets an empty database of either kind by its URL."""
    engine = create_engine(database_url)

    with engine.begin() as connection:
        tables = inspect(connection).get_table_names()
        connection.exec_driver_sql("CREATE TABLE study (uid VARCHAR(64))")

    engine.dispose()
    assert tables == []
