"""A database by its URL: SQLite in write-ahead mode with full synchronisation, or PostgreSQL.

A commit on either is on disk when it returns; the answer to a C-STORE rests on that.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db.errors import DatabaseUnavailableError, DatabaseUrlError, RowsRefusedError

__all__ = ["Connection", "Database", "connect"]

BUSY_TIMEOUT_S = 30
"""How long an SQLite connection waits for another process's write."""


class Database:
    """Where transactions come from. The caller's `with` is the transaction; an exception rolls it back.

    Both kinds raise DatabaseUnavailableError when the database cannot be reached, is full or is locked too long, and
    RowsRefusedError for rows that break a rule.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(cxr_write=True)
        # SQLite has one writer: threads queue here, in turn, instead of polling for its lock.
        self._writer = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; committed and on disk when the block ends."""
        with _translated(), self._writer, self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise RowsRefusedError(type(error).__name__) from error
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise DatabaseUnavailableError(type(error).__name__) from error


def connect(url: str) -> Database:
    """Open the database at `url` (`sqlite:///path`, `postgresql://...`); the schema is `migrate`'s.

    Raises:
        DatabaseUrlError: the URL is not one that SQLAlchemy understands, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return Database(_sqlite(create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})))
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        return Database(create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=40))
    except (ArgumentError, ImportError) as error:
        raise DatabaseUrlError(str(error)) from error


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
