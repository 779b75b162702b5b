"""Tokens by which a program acts for a person: a row each, with the digest of the token; the caller audits.

A token opens what its scopes name, and never more than its owner may at that moment: it ends with them.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from db.people import as_person
from db.people_records import Person, Role
from db.schema import api_token, person

USED_STEP = timedelta(minutes=1)
"""A use so soon after the last is not written again."""


class Scope(StrEnum):
    """What a token may do. read: look. label: judge and correct. administer: change what the node does."""

    READ = "read"
    LABEL = "label"
    ADMINISTER = "administer"

    @property
    def role(self) -> Role:
        """The least role of an owner for whom it opens anything."""
        return {Scope.READ: Role.VIEWER, Scope.LABEL: Role.RADIOLOGIST, Scope.ADMINISTER: Role.ADMINISTRATOR}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is remembered; `owner` is the name of its person. Without `expires_at` it lasts."""

    id: int
    name: str
    owner: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def add(
    connection: Connection,
    token: str,
    *,
    name: str,
    person_id: int,
    scopes: Collection[Scope],
    expires_at: datetime | None,
    now: datetime,
) -> int:
    """Enter a new token. Returns its id."""
    values = {"digest": _digest(token), "name": name, "person_id": person_id, "expires_at": expires_at}
    new = api_token.insert().values(**values, scopes=sorted(scopes), created_at=now)
    token_id: int = connection.execute(new.returning(api_token.c.id)).scalar_one()
    return token_id


def holder(connection: Connection, token: str, now: datetime) -> tuple[Token, Person] | None:
    """The token and its owner; None if there is none, it has ended, or its owner is disabled."""
    query = select(*_COLUMNS, *_PERSON).join(person, person.c.id == api_token.c.person_id)
    query = query.where(api_token.c.digest == _digest(token), _lives(now), person.c.disabled_at.is_(None))
    row = connection.execute(query).mappings().first()
    return None if row is None else (_token(row), as_person(row))


def used(connection: Connection, token_id: int, now: datetime) -> None:
    """Note when it was used."""
    connection.execute(update(api_token).where(api_token.c.id == token_id).values(last_used_at=now))


def every(connection: Connection, owner: str | None = None) -> list[Token]:
    """The tokens of a person, or of everybody, the newest first; ended ones too."""
    query = select(*_COLUMNS).join(person, person.c.id == api_token.c.person_id)
    if owner is not None:
        query = query.where(person.c.name == owner)
    return [_token(row) for row in connection.execute(query.order_by(api_token.c.id.desc())).mappings()]


def revoke(connection: Connection, token_id: int, now: datetime, owner: str | None = None) -> bool:
    """End a token, of a certain owner if one is given. Returns whether there was one to end."""
    mine = update(api_token).where(api_token.c.id == token_id, api_token.c.revoked_at.is_(None))
    if owner is not None:
        mine = mine.where(api_token.c.person_id.in_(select(person.c.id).where(person.c.name == owner)))
    return connection.execute(mine.values(revoked_at=now).returning(api_token.c.id)).first() is not None


_COLUMNS = (
    *(api_token.c[name].label(f"token_{name}") for name in ("id", "name", "created_at")),
    *(api_token.c[name] for name in ("scopes", "expires_at", "revoked_at", "last_used_at")),
    person.c.name.label("owner"),
)
_PERSON = tuple(column for column in person.c if column is not person.c.password_hash)


def _lives(now: datetime) -> ColumnElement[bool]:
    unexpired = or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > now)
    return and_(api_token.c.revoked_at.is_(None), unexpired)


def _token(row: Mapping[Any, Any]) -> Token:
    return Token(
        id=row["token_id"],
        name=row["token_name"],
        owner=row["owner"],
        scopes=tuple(Scope(each) for each in row["scopes"]),
        created_at=row["token_created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )


def _digest(token: str) -> str:
    """A token is 256 random bits, so that a plain digest of it cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()
