"""Who is logged in to the console: a row a browser, named by the digest of the token that the browser has.

A row that is too old is as good as none, and goes with the next login.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from db.people import as_person
from db.people_records import Person
from db.schema import person, session, unmasking

SEEN_STEP = timedelta(minutes=1)
"""A session that was used so recently is not written again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """How long a session lasts: without being used, and at the longest."""

    idle: timedelta
    longest: timedelta


def begin(
    connection: Connection,
    token: str,
    person_id: int,
    now: datetime,
    lifetime: Lifetime,
    *,
    id_token: str | None = None,
) -> None:
    """A person has logged in, by an ID token if the identity provider let them in; what has ended is swept."""
    ended = or_(session.c.seen_at <= now - lifetime.idle, session.c.opened_at <= now - lifetime.longest)
    connection.execute(delete(session).where(ended))
    values = {"digest": _digest(token), "person_id": person_id, "opened_at": now, "seen_at": now, "id_token": id_token}
    connection.execute(session.insert().values(values))


def person_of(connection: Connection, token: str, now: datetime, lifetime: Lifetime) -> tuple[Person, datetime] | None:
    """Who has the token, and when it was last used; None if its session has ended or they are disabled."""
    query = select(person, session.c.seen_at).join(session, session.c.person_id == person.c.id)
    found = connection.execute(
        query.where(
            session.c.digest == _digest(token),
            session.c.seen_at > now - lifetime.idle,
            session.c.opened_at > now - lifetime.longest,
            person.c.disabled_at.is_(None),
        )
    )
    row = found.mappings().first()
    return None if row is None else (as_person(row), row["seen_at"])


def seen(connection: Connection, token: str, now: datetime) -> None:
    """The session was used."""
    connection.execute(update(session).where(session.c.digest == _digest(token)).values(seen_at=now))


def end(connection: Connection, token: str) -> str | None:
    """The person has logged out. Returns the ID token that they came by, if they came by one."""
    ended = delete(session).where(session.c.digest == _digest(token)).returning(session.c.id_token)
    id_token: str | None = connection.execute(ended).scalar()
    return id_token


def unmask(connection: Connection, token: str, study_instance_uid: str) -> bool:
    """Let the session see whose study this is, as long as it lasts; False if it does already."""
    if unmasked(connection, token, study_instance_uid):
        return False
    connection.execute(unmasking.insert().values(digest=_digest(token), study_instance_uid=study_instance_uid))
    return True


def unmasked(connection: Connection, token: str, study_instance_uid: str) -> bool:
    """Whether the session may see whose study this is, where others may not."""
    query = select(unmasking.c.digest).where(
        unmasking.c.digest == _digest(token), unmasking.c.study_instance_uid == study_instance_uid
    )
    return connection.execute(query).first() is not None


def _digest(token: str) -> str:
    """A token is 256 random bits, so that a plain digest of it cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()
