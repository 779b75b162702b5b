"""Studies on their way from an archive: a row from before the first object is asked for until the last one is here."""

from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, select

from db import upsert
from db.schema import instance, pull, study


def begin(connection: Connection, study_instance_uid: str, source: str, now: datetime) -> None:
    """A study is going to be brought in; one that was cut off is begun again."""
    new = upsert.insert(connection.dialect.name, pull).values(
        study_instance_uid=study_instance_uid, source=source, begun_at=now
    )
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[pull.c.study_instance_uid, pull.c.source], set_={"begun_at": new.excluded.begun_at}
        )
    )


def end(connection: Connection, study_instance_uid: str, source: str) -> None:
    """All of it is here that is to be had there."""
    connection.execute(delete(pull).where(pull.c.study_instance_uid == study_instance_uid, pull.c.source == source))


def begun(connection: Connection, source: str) -> list[str]:
    """The studies that were begun there and not ended, the one first that was begun first."""
    query = select(pull.c.study_instance_uid).where(pull.c.source == source).order_by(pull.c.begun_at, pull.c.id)
    return list(connection.execute(query).scalars())


def is_here(connection: Connection, study_instance_uid: str) -> bool:
    """Whether a study is here and was not cut off on its way."""
    known = select(study.c.id).where(
        study.c.study_instance_uid == study_instance_uid,
        ~exists().where(pull.c.study_instance_uid == study.c.study_instance_uid),
    )
    return connection.execute(known).first() is not None


def instance_count(connection: Connection, study_instance_uid: str) -> int:
    """How many objects of a study are here."""
    query = select(func.count()).select_from(instance).join(study, study.c.id == instance.c.study_id)
    return connection.execute(query.where(study.c.study_instance_uid == study_instance_uid)).scalar_one()
