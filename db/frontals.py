"""The frontal chest radiographs among the stored instances: those that the node reads, and may learn from.

A row says that the header was looked at and found frontal. Pixels that turn out not to be readable when the image is
read give the instance a reason all the same, and the reason decides.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from db import upsert
from db.learning_records import Frontal, FrontalImage, UnlookedImage
from db.schema import frontal, instance, study


def record(connection: Connection, found: Sequence[Frontal]) -> None:
    """Write what headers say; what was said of an instance first stands."""
    if found:
        insert = upsert.insert(connection.dialect.name, frontal)
        rows = [{"instance_id": each.instance_id, "view": each.view, "collection": each.collection} for each in found]
        connection.execute(insert.on_conflict_do_nothing(), rows)


def unlooked(connection: Connection, *, after: int, limit: int) -> list[UnlookedImage]:
    """Instances that are there, have no reason and were not looked at, in their order, after this row id."""
    query = select(instance.c.id, instance.c.path).where(_unlooked(), instance.c.id > after)
    rows = connection.execute(query.order_by(instance.c.id).limit(limit))
    return [UnlookedImage(instance_id=row.id, path=row.path) for row in rows]


def unlooked_count(connection: Connection) -> int:
    """How many there are of them."""
    return connection.execute(select(func.count()).select_from(instance).where(_unlooked())).scalar_one()


def images(connection: Connection) -> Iterator[FrontalImage]:
    """Every frontal image whose file is there and that no reason keeps from being read, in the order of arrival."""
    source = func.coalesce(func.nullif(frontal.c.collection, ""), instance.c.calling_ae)
    query = (
        select(
            instance.c.id,
            instance.c.study_id,
            study.c.study_instance_uid,
            study.c.patient_id,
            instance.c.path,
            instance.c.sha256,
            frontal.c.view,
            source,
        )
        .join(frontal, frontal.c.instance_id == instance.c.id)
        .join(study, study.c.id == instance.c.study_id)
        .where(instance.c.reason.is_(None), instance.c.absence.is_(None))
        .order_by(instance.c.id)
    )
    for row in connection.execute(query):
        instance_id, study_id, study_instance_uid, patient_id, path, sha256, view, source_ = row
        yield FrontalImage(
            instance_id=instance_id,
            study_id=study_id,
            study_instance_uid=study_instance_uid,
            patient_id=patient_id,
            path=path,
            sha256=sha256,
            view=view,
            source=source_,
        )


def absent_count(connection: Connection) -> int:
    """How many frontal images have no file any more."""
    query = select(func.count()).select_from(frontal).join(instance, instance.c.id == frontal.c.instance_id)
    return connection.execute(query.where(instance.c.absence.is_not(None))).scalar_one()


def _unlooked() -> ColumnElement[bool]:
    here = and_(instance.c.reason.is_(None), instance.c.absence.is_(None))
    return and_(here, ~exists().where(frontal.c.instance_id == instance.c.id))
