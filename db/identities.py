"""Whom an identity provider means: a person by issuer and subject, which stay when their name changes."""

from sqlalchemy import Connection, delete, select

from db.engine import queue_for
from db.people import as_person
from db.people_records import Person
from db.schema import person, provider_subject

_KNOWN = provider_subject.c


def find(connection: Connection, issuer: str, subject: str) -> Person | None:
    """The person whom the provider means, disabled ones too; who else asks waits until the transaction ends."""
    queue_for(connection, "identities")
    query = select(person).join(provider_subject, _KNOWN.person_id == person.c.id)
    query = query.where(_KNOWN.issuer == issuer, _KNOWN.subject == subject)
    row = connection.execute(query).mappings().first()
    return None if row is None else as_person(row)


def bind(connection: Connection, issuer: str, subject: str, person_id: int) -> None:
    """From now on the provider means this person."""
    connection.execute(provider_subject.insert().values(issuer=issuer, subject=subject, person_id=person_id))


def is_bound(connection: Connection, person_id: int) -> bool:
    """Whether some provider means this person."""
    return connection.execute(select(_KNOWN.subject).where(_KNOWN.person_id == person_id)).first() is not None


def forget(connection: Connection, name: str) -> None:
    """No provider means the person of this name any more."""
    of_name = select(person.c.id).where(person.c.name == name).scalar_subquery()
    connection.execute(delete(provider_subject).where(_KNOWN.person_id == of_name))
