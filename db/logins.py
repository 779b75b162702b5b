"""How often somebody tried to log in and was not let in: by name and by address, for every process of the node.

An attempt is written before its password is looked at, so that a hundred at once count as a hundred.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from db.engine import queue_for
from db.schema import login_attempt

WINDOW = timedelta(minutes=15)
MOST_BY_NAME = 10
MOST_BY_ADDRESS = 50
"""A department may share one address; a name is one person's."""


def attempt(connection: Connection, name: str, address: str, now: datetime) -> bool:
    """Note an attempt. Returns whether its password may be looked at; one that may not is not noted."""
    queue_for(connection, "logins")
    connection.execute(delete(login_attempt).where(login_attempt.c.at <= now - WINDOW))
    by_name, by_address = login_attempt.c.name_digest == _digest(name), login_attempt.c.address == address
    count = select(func.count()).select_from(login_attempt)
    if connection.execute(count.where(by_name)).scalar_one() >= MOST_BY_NAME:
        return False
    if connection.execute(count.where(by_address)).scalar_one() >= MOST_BY_ADDRESS:
        return False
    connection.execute(login_attempt.insert().values(name_digest=_digest(name), address=address, at=now))
    return True


def succeeded(connection: Connection, name: str) -> None:
    """The name's person is in: their attempts count no more."""
    connection.execute(delete(login_attempt).where(login_attempt.c.name_digest == _digest(name)))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
