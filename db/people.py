"""Who may log in to the console. Names are in lower case; the caller writes the audit entry."""

import re
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, delete, func, select, update

from db import upsert
from db.errors import UnknownPersonError
from db.people_records import KnownPerson, Person, Role
from db.schema import person, provider_subject, session

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
"""What a name may be."""
NO_PASSWORD = ""
"""In place of a hash, for a person whom the identity provider knows: no password fits it."""


def add(connection: Connection, *, name: str, password_hash: str, role: Role, now: datetime) -> bool:
    """Enter a person; one of that name stays as they are. Returns whether they are new."""
    new = upsert.insert(connection.dialect.name, person).values(
        name=name, password_hash=password_hash, role=role, created_at=now
    )
    return connection.execute(new.on_conflict_do_nothing().returning(person.c.id)).scalar() is not None


def find(connection: Connection, name: str) -> Person | None:
    """The person of a name, disabled ones too."""
    return _one(connection, _people().where(person.c.name == name))


def everybody(connection: Connection) -> list[KnownPerson]:
    """Everybody, by name, with how they come in."""
    has_password = (person.c.password_hash != NO_PASSWORD).label("has_password")
    query = _people().add_columns(has_password, provider_subject.c.issuer)
    query = query.outerjoin(provider_subject, provider_subject.c.person_id == person.c.id)
    found = connection.execute(query.order_by(person.c.name)).mappings()
    return [KnownPerson(**{**row, "role": Role(row["role"])}) for row in found]


def enabled_count(connection: Connection) -> int:
    """How many may log in."""
    query = select(func.count()).select_from(person).where(person.c.disabled_at.is_(None))
    return connection.execute(query).scalar_one()


def password_hash(connection: Connection, name: str) -> str | None:
    """What the password of a person who may log in is compared with."""
    query = select(person.c.password_hash).where(person.c.name == name, person.c.disabled_at.is_(None))
    return connection.execute(query).scalar()


def set_password(connection: Connection, name: str, password_hash: str) -> None:
    """Give a person another password; they are logged out everywhere.

    Raises:
        UnknownPersonError: there is nobody of this name.
    """
    log_out(connection, _change(connection, name, {"password_hash": password_hash}))


def set_role(connection: Connection, name: str, role: Role) -> None:
    """Give a person another role; it holds from their next request.

    Raises:
        UnknownPersonError: there is nobody of this name.
    """
    _change(connection, name, {"role": role})


def disable(connection: Connection, name: str, now: datetime) -> None:
    """Let a person in no more; they are logged out everywhere.

    Raises:
        UnknownPersonError: there is nobody of this name.
    """
    log_out(connection, _change(connection, name, {"disabled_at": now}))


def enable(connection: Connection, name: str) -> None:
    """Let a person in again, with the password they had.

    Raises:
        UnknownPersonError: there is nobody of this name.
    """
    _change(connection, name, {"disabled_at": None})


def logged_in(connection: Connection, name: str, now: datetime) -> Person:
    """Note that a person has logged in.

    Raises:
        UnknownPersonError: there is nobody of this name.
    """
    _change(connection, name, {"last_login_at": now})
    found = find(connection, name)
    if found is None:
        raise UnknownPersonError(name)
    return found


def log_out(connection: Connection, person_id: int) -> None:
    """End every session of a person."""
    connection.execute(delete(session).where(session.c.person_id == person_id))


def _change(connection: Connection, name: str, values: dict[str, object]) -> int:
    changed = update(person).where(person.c.name == name).values(values).returning(person.c.id)
    person_id: int | None = connection.execute(changed).scalar()
    if person_id is None:
        raise UnknownPersonError(name)
    return person_id


def _people() -> Select[tuple[object, ...]]:
    """Everything but the password's hash."""
    return select(*(column for column in person.c if column is not person.c.password_hash))


def _one(connection: Connection, query: Select[tuple[object, ...]]) -> Person | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else as_person(row)


def as_person(row: RowMapping) -> Person:
    """The record of a row that has a person's columns, and may have others."""
    values = {field.name: row[field.name] for field in fields(Person)}
    return Person(**values | {"role": Role(values["role"])})
