"""Whom an identity provider means: a person by issuer and subject, which stay when their name changes."""

from sqlalchemy import Connection, delete, select

from db.engine import queue_for
from db.people import as_person
from db.people_records import Person
from db.schema import person, provider_subject


def find(connection: Connection, issuer: str, subject: str) -> Person | None:
    """The person whom the provider means, disabled ones too; who else asks waits until the transaction ends."""
    queue_for(connection, "identity")
    query = select(person).join(provider_subject, provider_subject.c.person_id == person.c.id)
    row = (
        connection.execute(query.where(provider_subject.c.issuer == issuer, provider_subject.c.subject == subject))
        .mappings()
        .first()
    )
    return None if row is None else as_person(row)


def bind(connection: Connection, issuer: str, subject: str, person_id: int) -> None:
    """From now on the provider means this person."""
    connection.execute(provider_subject.insert().values(issuer=issuer, subject=subject, person_id=person_id))


def is_bound(connection: Connection, person_id: int) -> bool:
    """Whether some provider means this person."""
    return (
        connection.execute(
            select(provider_subject.c.person_id).where(provider_subject.c.person_id == person_id)
        ).first()
        is not None
    )


def forget(connection: Connection, name: str) -> None:
    """No provider means the person of this name any more."""
    of_name = select(person.c.id).where(person.c.name == name).scalar_subquery()
    connection.execute(delete(provider_subject).where(provider_subject.c.person_id == of_name))
