"""A hold on the stored files: while somebody has one, retention removes nothing, in whatever process or host it runs.

On PostgreSQL it is an advisory lock: it holds for every host of the database, and ends with its connection, however
that ends. SQLite has one host; there it is the system's lock on a file beside the database.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select

from db.engine import Database

_KEY = func.hashtextextended("stored files", 0)


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Have every stored file stay where it is until the block ends; a removal that is under way ends first.

    Raises:
        db.errors.DatabaseUnavailableError: the database does not answer; at the end of the block, that it went away
            meanwhile, and files may have been removed.
    """
    if database.engine.dialect.name == "sqlite":
        with _flocked(database, fcntl.LOCK_SH):
            yield
    else:
        with database.read() as connection:
            connection.execute(select(func.pg_advisory_xact_lock_shared(_KEY)))
            yield


@contextmanager
def removing(database: Database) -> Iterator[bool]:
    """Whether files may be removed until the block ends; then nobody gets a hold meanwhile."""
    if database.engine.dialect.name == "sqlite":
        try:
            with _flocked(database, fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False
    else:
        with database.read() as connection:
            yield bool(connection.execute(select(func.pg_try_advisory_xact_lock(_KEY))).scalar_one())


@contextmanager
def _flocked(database: Database, how: int) -> Iterator[None]:
    fd = os.open(f"{database.engine.url.database}-held", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, how)
        yield
    finally:
        os.close(fd)
