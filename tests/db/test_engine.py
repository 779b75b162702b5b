"""The two databases by URL: their promises and their failures."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from db import structure, studies
from db.engine import Database, connect
from db.errors import DatabaseDamagedError, DatabaseUnavailableError, DatabaseUrlError, OutcomeUnknownError
from tests.db.races import race
from tests.db.rows import NOW, add_study, arrival
from tests.peers.processes import free_port


def test_every_sqlite_connection_writes_ahead_and_syncs_fully(sqlite: Database):
    """A commit on SQLite is on disk when it returns, whichever connection it went through."""

    def pragmas(_number: int) -> tuple[str, int, int]:
        with sqlite.engine.connect() as connection:
            return tuple(
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            )

    found = race(5, pragmas)

    assert found == [("wal", 2, 1)] * 5


def test_block_that_raises_leaves_nothing(database: Database):
    """What was written before an error is rolled back with it."""

    def fail() -> None:
        with database.write() as connection:
            add_study(connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with database.read() as connection:
        assert studies.newest(connection, 10) == []


def test_time_without_a_zone_is_refused(database: Database):
    """A time that could mean two things is not stored."""
    naive = datetime(2026, 3, 14, 9)  # noqa: DTZ001  # the very thing that is refused

    with pytest.raises(ValueError, match="aware"), database.write() as connection:
        studies.record_arrival(connection, arrival(received_at=naive), settle_at=NOW)


def test_times_come_back_aware_and_in_utc(database: Database):
    """A time from another zone is the same moment when it is read, in UTC, to the microsecond."""
    there = NOW.astimezone(timezone(timedelta(hours=-7)))

    with database.write() as connection:
        studies.record_arrival(connection, arrival(received_at=there), settle_at=there)

    with database.read() as connection:
        (study,) = studies.newest(connection, 1)
    assert (study.first_received_at, study.settle_at) == (NOW, NOW)
    assert study.first_received_at.tzinfo is UTC


@pytest.mark.parametrize(
    "url", ["", "nonsense", "oracle://h/x", "mysql://u@h/x", "postgresql+nodriver://h/x", "postgresql://h:port/x"]
)
def test_url_that_is_none_is_one_plain_sentence(url: str):
    """A database URL that cannot be used is named as such, with the two kinds that can."""
    with pytest.raises(DatabaseUrlError) as error:
        connect(url)

    assert "\n" not in str(error.value)
    assert "sqlite:///" in str(error.value)
    assert "postgresql://" in str(error.value)


def test_error_of_a_bad_url_keeps_the_password_to_itself():
    """The password in a mistyped database URL is not printed."""
    with pytest.raises(DatabaseUrlError) as error:
        connect("postgresql://node:s3cret@host:54x2/cxr")

    assert "s3cret" not in str(error.value)


def _folder(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}"


def _missing_folder(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'missing' / 'cxr.db'}"


def _text_file(tmp_path: Path) -> str:
    (tmp_path / "cxr.db").write_text("This is not a database, it is a letter. " * 100)
    return f"sqlite:///{tmp_path / 'cxr.db'}"


def _silent_server(_tmp_path: Path) -> str:
    return f"postgresql://postgres@127.0.0.1:{free_port()}/cxr"


@pytest.mark.parametrize("url", [_folder, _missing_folder, _silent_server])
def test_database_that_does_not_answer_is_unavailable(url: Callable[[Path], str], tmp_path: Path):
    """A database that cannot be opened is one plain sentence that says what to look at."""
    database = connect(url(tmp_path))

    with pytest.raises(DatabaseUnavailableError) as error, database.read():
        pass

    database.close()
    assert str(error.value).startswith("the database does not answer")


def test_damaged_file_names_the_command_that_helps(tmp_path: Path):
    """A file that is no database any more is one plain sentence: a backup has to take its place."""
    database = connect(_text_file(tmp_path))

    with pytest.raises(DatabaseDamagedError, match="run cxr restore"), database.read():
        pass

    faults = structure.faults(database)
    database.close()
    assert len(faults) == 1
    assert "damaged" in faults[0]


def test_page_overwritten_inside_is_found(sqlite_database: Database, tmp_path: Path):
    """A database whose middle was written over is told from a whole one by `faults`."""
    assert structure.faults(sqlite_database) == []
    sqlite_database.close()
    with (tmp_path / "cxr.db").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 8192)

    faults = structure.faults(connect(f"sqlite:///{tmp_path / 'cxr.db'}"))

    assert len(faults) == 1
    assert "damaged" in faults[0]


@pytest.mark.peer
def test_connection_that_postgresql_dropped_is_replaced(postgres: Database):
    """After PostgreSQL has restarted the next transaction works, without a restart of the node."""
    drop_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with postgres.read():
        pass

    with pytest.raises(DatabaseUnavailableError), postgres.read() as connection:
        connection.exec_driver_sql(drop_all)

    with postgres.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1


def test_connection_lost_before_the_commit_leaves_its_outcome_unknown(postgres: Database):
    """Nobody can say of a COMMIT without an answer that it was not carried out; the next transaction works."""

    def lose() -> None:
        with postgres.write() as connection:
            add_study(connection)
            backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with postgres.write() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({backend}, 5000)")

    with pytest.raises(OutcomeUnknownError):
        lose()

    with postgres.write() as connection:
        assert studies.newest(connection, 1) == []
        add_study(connection)


def test_connection_lost_before_the_end_has_written_nothing(postgres: Database):
    """A transaction that breaks before its COMMIT is certainly not there."""

    def lose() -> None:
        with postgres.write() as connection:
            add_study(connection)
            backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with postgres.write() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({backend}, 5000)")
            studies.newest(connection, 1)

    with pytest.raises(DatabaseUnavailableError) as error:
        lose()

    assert not isinstance(error.value, OutcomeUnknownError)


def test_commit_that_fails_gives_the_connection_up(database: Database, monkeypatch: pytest.MonkeyPatch):
    """A disk that fails at the commit leaves no transaction open for the next writer to wait for."""
    dialect = database.engine.dialect

    def fail(_connection: object) -> None:
        raise dialect.loaded_dbapi.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(dialect, "do_commit", fail)
        with pytest.raises(OutcomeUnknownError), database.write() as connection:
            add_study(connection)

    with database.write() as connection:
        assert studies.newest(connection, 1) == []
        add_study(connection)
