"""A database by its URL: SQLite in write-ahead mode with full synchronisation, or PostgreSQL.

A commit on either is on disk when it returns; the answer to a C-STORE rests on that.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import DatabaseError as DriverError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db.errors import (
    DatabaseDamagedError,
    DatabaseUnavailableError,
    DatabaseUrlError,
    OutcomeUnknownError,
    RowsRefusedError,
)
from db.turn import Turn

__all__ = ["Connection", "Database", "connect", "queue_for"]

BUSY_TIMEOUT_S = 30
"""How long an SQLite connection waits for another process's write."""
DAMAGED = "the database file is damaged: stop the node, move the file away and run cxr restore with a backup"


class Database:
    """Where transactions come from. The caller's `with` is the transaction; an exception rolls it back.

    Both kinds raise DatabaseUnavailableError when the database cannot be reached, is full or is locked too long,
    RowsRefusedError for rows that break a rule, and OutcomeUnknownError when a COMMIT itself went wrong.

    A transaction that did not get as far as its COMMIT has certainly written nothing. Of one that did, nothing is
    certain: PostgreSQL may have committed and lost the connection before it could say so, or been told to stop while
    it waited for a replica; in SQLite the record of the commit may have reached the log before the disk failed, to be
    found there at the next start. So no error of a COMMIT is looked into for what it might prove.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(cxr_write=True)
        self._writer = Turn(engine.url.database, BUSY_TIMEOUT_S) if engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def frozen(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees the database as it is at its first look."""
        frozen = self.engine.execution_options(isolation_level="REPEATABLE READ")
        with _translated(), frozen.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; committed and on disk when the block ends."""
        with _translated(), self._writer, self._writing.connect() as connection, connection.begin() as transaction:
            yield connection
            with _confirmed(connection):
                transaction.commit()

    @contextmanager
    def rebuild(self) -> Iterator[Connection]:
        """A transaction that may replace tables: foreign keys are checked at its end, not at each statement.

        SQLite alters a table by copying it, and takes the old one's removal for that of all its rows. It turns the
        rule off only outside a transaction.
        """
        sqlite = self.engine.dialect.name == "sqlite"
        with _translated(), self._writer, self._writing.connect() as connection:
            driver = connection.connection.dbapi_connection
            if sqlite and driver is not None:
                driver.cursor().execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    yield connection
                    if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                        raise RowsRefusedError("rows would be left without what they refer to")
            finally:
                if sqlite and driver is not None:
                    driver.cursor().execute("PRAGMA foreign_keys=ON")

    @property
    def folder(self) -> Path | None:
        """Where an SQLite database's file is; None of PostgreSQL, whose disks this machine may not see."""
        file = self.engine.url.database if self.engine.dialect.name == "sqlite" else None
        return Path(file).parent if file and file != ":memory:" else None

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise RowsRefusedError(type(error).__name__) from error
    except (OperationalError, InterfaceError, PoolTimeoutError, DriverError) as error:
        if isinstance(error, DriverError) and type(error) not in (OperationalError, DriverError):
            raise  # a broken statement
        if type(error) is DriverError:  # SQLite's own, for a file that is none of its own, or not all of it any more
            raise DatabaseDamagedError(DAMAGED) from error
        sentence = "the database does not answer; see that it runs, that its URL is right and that its disk has room"
        raise DatabaseUnavailableError(f"{sentence} ({type(error).__name__})") from error


@contextmanager
def _confirmed(connection: Connection) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        connection.invalidate()  # nobody knows what it is in the middle of, and it may hold the writer's lock
        if isinstance(error, (DataError, IntegrityError)):
            raise  # a rule that is checked at the end was broken, and the database said so
        sentence = "the database did not confirm a commit; see that it runs and that its disk has room"
        raise OutcomeUnknownError(f"{sentence} ({type(error).__name__})") from error


def connect(url: str) -> Database:
    """Open the database at `url` (`sqlite:///path`, `postgresql://...`); the schema is `migrate`'s.

    Raises:
        DatabaseUrlError: the URL is not one that SQLAlchemy understands, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise DatabaseUrlError(_NO_URL)
        if parsed.get_backend_name() == "sqlite":
            return Database(_sqlite(create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})))
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        # Its just-in-time compiler takes seconds over queries that run for milliseconds.
        options = {"options": "-c jit=off"}
        return Database(create_engine(parsed, connect_args=options, pool_pre_ping=True, pool_size=10, max_overflow=40))
    except ImportError as error:
        raise DatabaseUrlError(f"{_NO_URL}; its driver is not installed ({error.name})") from error
    except (ArgumentError, ValueError) as error:  # neither is quoted: the URL may hold a password
        raise DatabaseUrlError(_NO_URL) from error


_NO_URL = "the database URL is not one like sqlite:///path/cxr.db or postgresql://user:password@host/name"


def queue_for(connection: Connection, name: str) -> None:
    """Wait until no other writing transaction holds `name`, and hold it to the end of this one.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _sqlite(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; `_begin` does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: a deferred one that reads first cannot wait for it later.
        write = connection.get_execution_options().get("cxr_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
