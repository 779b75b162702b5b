"""A copy of the whole database as one file, taken while a node writes, and a database made from it.

SQLite by its online backup, in one step, so that writers cannot make it begin again; PostgreSQL by pg_dump of one
exported snapshot, and pg_restore in one transaction. What stands in the copy is seen inside the `with` block, no more
and no less.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect

from db import structure
from db.engine import Database, connect
from db.errors import CopyError


def kind(database: Database) -> str:
    """What kind of database it is, as a copy of it is named: a copy of one kind becomes no other."""
    return str(database.engine.dialect.name)


@contextmanager
def copied(database: Database, target: Path) -> Iterator[Connection]:
    """Copy the database into a new file; the connection sees what the copy holds.

    Raises:
        CopyError: a program is missing or failed.
        db.errors.DatabaseUnavailableError: the database does not answer, or is damaged.
    """
    made = _saved if kind(database) == "sqlite" else _dumped
    with made(database, target) as connection:
        yield connection


@contextmanager
def _saved(database: Database, target: Path) -> Iterator[Connection]:
    try:
        with database.read() as connection, closing(sqlite3.connect(target)) as other:
            driver = connection.connection.dbapi_connection
            if isinstance(driver, sqlite3.Connection):
                driver.backup(other)
    except sqlite3.OperationalError as error:
        raise CopyError(f"the database cannot be copied to {target}: see that the disk has room") from error
    copy = connect(f"sqlite:///{target}")
    try:
        with copy.read() as connection:
            structure.require_whole(connection)  # the copy of a damaged file is one too, and would be found too late
            yield connection
    finally:
        copy.close()


@contextmanager
def _dumped(database: Database, target: Path) -> Iterator[Connection]:
    with database.frozen() as connection:
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        _run(database, "pg_dump", "--format=custom", *_PLAIN, f"--snapshot={snapshot}", f"--file={target}")
        yield connection


def is_empty(database: Database) -> bool:
    """Whether there is no table in it."""
    with database.read() as connection:
        return not inspect(connection).get_table_names()


def fill(database: Database, copy: Path) -> None:
    """Make an empty PostgreSQL database what the copy holds: all of it or nothing.

    Raises:
        CopyError: a program is missing or failed.
    """
    _run(database, "pg_restore", *_PLAIN, "--single-transaction", "--exit-on-error", copy)


_PLAIN = ("--no-owner", "--no-privileges")


def _run(database: Database, program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, and what it says may quote a row."""
    found = shutil.which(program)
    if found is None:
        raise CopyError(f"{program} is not installed; install PostgreSQL's client programs, as new as the server")
    url = database.engine.url
    address = url.set(drivername="postgresql", password=None).render_as_string()
    password = {} if url.password is None else {"PGPASSWORD": str(url.password)}
    command = [found, f"--dbname={address}", *arguments]
    ended = subprocess.run(command, env=os.environ | password, capture_output=True, check=False)  # noqa: S603
    if ended.returncode != 0:
        raise CopyError(
            f"{program} failed; see that the database answers, that {program} is as new as the server, "
            "and that the disk has room"
        )
