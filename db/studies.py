"""Studies and their instances."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, Connection, RowMapping, bindparam, func, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import queue_for
from db.prepared import Prepared
from db.records import Absence, Arrival, StoredInstance, Study, StudyState
from db.schema import Utc, instance, link, study
from db.sought import sought
from db.vocabulary import Reason

_AT_ONCE = 500
"""How many UIDs one statement names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent images: so many of those that were looked at, the last of them at `last_at`."""

    calling_ae: str
    calling_address: str
    images: int
    last_at: datetime


def record_arrival(connection: Connection, arrival: Arrival, settle_at: datetime | None) -> bool:
    """Write the rows of an arrived instance; its study's quiet period begins anew and ends at `settle_at`.

    With None it is not to be read: a new study is `kept`, and one that is here goes on as if nothing had come.

    The same bytes again change nothing, unless their file is not there any more: then these take its place. Other
    bytes under a known SOP Instance UID are kept beside the first with the reason `duplicate_uid`, and are not read.

    Returns:
        True when the instance is kept where the arrival says, False when these very bytes were kept elsewhere before.
        An arrival whose first commit stands, though its answer was lost, is kept where it says.
    """
    queue_for(connection, arrival.sop_instance_uid)  # else two arrivals at once do not see each other
    known = {row[0]: row for row in _KNOWN(connection, {"uid": arrival.sop_instance_uid})}
    _, path, absence = known.get(arrival.sha256, (None, None, None))
    if path is not None and absence is None:
        return bool(path == arrival.path)
    row: dict[str, Any] = {name: getattr(arrival, name) for name in _ARRIVAL}
    state = StudyState.KEPT if settle_at is None else StudyState.ARRIVING
    row |= {"state": state, "revision": 0, "settle_at": settle_at, "sought_name": sought(arrival.patient_name)}
    reason = Reason.DUPLICATE_UID if known and path is None else None
    study_of = _STUDY_AGAIN if reason is None and settle_at is not None else _STUDY
    ((row["study_id"],),) = study_of(connection, row)
    if path is not None:
        _come_back(connection, arrival)
        return True
    row["reason"] = reason
    row["reason_detail"] = reason.sentence if reason else ""
    row["reason_tag"] = "(0008,0018)" if reason else None
    _ADD_INSTANCE(connection, row)
    return True


def _come_back(connection: Connection, arrival: Arrival) -> None:
    """The very bytes whose file was lost or removed are here again, under a new name."""
    mine = update(instance).where(
        instance.c.sop_instance_uid == arrival.sop_instance_uid, instance.c.sha256 == arrival.sha256
    )
    values = {"path": arrival.path, "absence": None, "absent_at": None, "received_at": arrival.received_at}
    connection.execute(mine.values(values))
    gone = instance.c.reason.in_((Reason.DAMAGED, Reason.REMOVED, Reason.LOST))
    connection.execute(mine.where(gone).values(reason=None, reason_detail="", reason_tag=None))


_ARRIVAL = tuple(field.name for field in fields(Arrival))

_FIRST = ("patient_id", "patient_name", "sought_name", "accession_number", "study_date", "calling_ae")
"""Columns of a study that are as its first instance has them."""


def _study_of(dialect: str, *again: str) -> ClauseElement:
    """Insert the study, or note that more of it came: these columns are then as the row has them."""
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(study)
    statement: ClauseElement = (
        insert.values(
            {name: bindparam(name) for name in ("study_instance_uid", *_FIRST, "state", "revision", "settle_at")}
            | {"first_received_at": bindparam("received_at"), "last_received_at": bindparam("received_at")}
        )
        .on_conflict_do_update(
            index_elements=[study.c.study_instance_uid], set_={name: insert.excluded[name] for name in again}
        )
        .returning(study.c.id)
    )
    return statement


_STUDY_COLUMNS = tuple(study.c[field.name] for field in fields(Study))
_LATER = ("id", "absence", "absent_at")
"""Columns of an instance that its arrival leaves alone."""
_STUDY = Prepared(lambda dialect: _study_of(dialect, "last_received_at"))
_STUDY_AGAIN = Prepared(lambda dialect: _study_of(dialect, "last_received_at", "settle_at", "state"))
"""The same, and its quiet period begins anew."""
_KNOWN = Prepared(
    lambda _: select(instance.c.sha256, instance.c.path, instance.c.absence).where(
        instance.c.sop_instance_uid == bindparam("uid")
    )
)
_ADD_INSTANCE = Prepared(
    lambda _: instance.insert().values(
        {column.name: bindparam(column.name) for column in instance.columns if column.name not in _LATER}
    )
)


def settle_now(connection: Connection, study_instance_uids: Iterable[str], now: datetime) -> None:
    """End the quiet period of these studies, where it still runs (the association was released)."""
    connection.execute(
        update(study)
        .where(study.c.study_instance_uid.in_(list(study_instance_uids)), study.c.settle_at > now)
        .values(settle_at=now)
    )


def awaken(connection: Connection, study_instance_uids: Sequence[str], settle_at: datetime) -> None:
    """Have those of these studies read that were kept."""
    for uids in _parts(study_instance_uids):
        connection.execute(
            update(study)
            .where(study.c.study_instance_uid.in_(uids), study.c.state == StudyState.KEPT)
            .values(state=StudyState.ARRIVING, settle_at=settle_at)
        )


def kept(connection: Connection, study_instance_uids: Sequence[str]) -> list[int]:
    """The row ids of those of these studies that are kept."""
    found: list[int] = []
    for uids in _parts(study_instance_uids):
        query = select(study.c.id).where(study.c.study_instance_uid.in_(uids), study.c.state == StudyState.KEPT)
        found += connection.execute(query).scalars()
    return found


def study_with(connection: Connection, sop_instance_uid: str, sha256: str) -> str | None:
    """The Study Instance UID of this very instance, if it is here."""
    query = select(study.c.study_instance_uid).join(instance, instance.c.study_id == study.c.id)
    query = query.where(instance.c.sop_instance_uid == sop_instance_uid, instance.c.sha256 == sha256)
    return connection.execute(query).scalar_one_or_none()


def instance_ids(connection: Connection, sop_instance_uids: Sequence[str]) -> dict[str, int]:
    """The row id of the first instance under each of these SOP Instance UIDs, where there is one."""
    found: dict[str, int] = {}
    for uids in _parts(sop_instance_uids):
        query = select(instance.c.sop_instance_uid, func.min(instance.c.id)).group_by(instance.c.sop_instance_uid)
        found.update(connection.execute(query.where(instance.c.sop_instance_uid.in_(uids))).all())
    return found


def settled(connection: Connection, now: datetime, limit: int = 100) -> list[Study]:
    """Studies whose quiet period is over and that have no job yet, oldest first."""
    query = select(*_STUDY_COLUMNS).where(study.c.settle_at <= now).order_by(study.c.settle_at).limit(limit)
    return [_study(row) for row in connection.execute(query).mappings()]


def begin_revision(connection: Connection, of: Study) -> int | None:
    """The study is settled: its next revision is queued.

    Returns:
        The revision's number, from 1; None if `of` is out of date: an instance came, or another process was faster.
    """
    statement = (
        update(study)
        .where(study.c.id == of.id, study.c.revision == of.revision, study.c.settle_at == of.settle_at)
        .values(revision=study.c.revision + 1, settle_at=None, state=StudyState.QUEUED)
        .returning(study.c.revision)
    )
    return connection.execute(statement).scalar_one_or_none()


def end_revision(connection: Connection, study_id: int, revision: int, state: StudyState) -> None:
    """Set the state in which `revision` ended, unless a later instance has already restarted the study."""
    connection.execute(
        update(study)
        .where(study.c.id == study_id, study.c.revision == revision, study.c.settle_at.is_(None))
        .values(state=state)
    )


def set_reason(connection: Connection, instance_id: int, reason: Reason, detail: str, tag: str | None) -> None:
    """Say why an instance is not read."""
    values = {"reason": reason, "reason_detail": detail, "reason_tag": tag}
    connection.execute(update(instance).where(instance.c.id == instance_id).values(values))


def clear_reason(connection: Connection, instance_id: int) -> None:
    """The instance was read after all (a setting changed, or it was read again)."""
    values = {"reason": None, "reason_detail": "", "reason_tag": None}
    connection.execute(update(instance).where(instance.c.id == instance_id).values(values))


def get(connection: Connection, study_id: int) -> Study:
    """The study with this row id."""
    return _study(connection.execute(select(*_STUDY_COLUMNS).where(study.c.id == study_id)).mappings().one())


def find(connection: Connection, study_instance_uid: str) -> Study | None:
    """The study with this UID, if the node knows it."""
    query = select(*_STUDY_COLUMNS).where(study.c.study_instance_uid == study_instance_uid)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _study(row)


def of_report(connection: Connection, report_id: int) -> list[Study]:
    """The studies that a version of a report is linked to."""
    query = select(*_STUDY_COLUMNS).join(link, link.c.study_id == study.c.id).where(link.c.report_id == report_id)
    return [_study(row) for row in connection.execute(query.order_by(study.c.id)).mappings()]


def under(connection: Connection, accession_number: str) -> list[Study]:
    """The studies under this accession number, in order of arrival."""
    query = select(*_STUDY_COLUMNS).where(study.c.accession_number == accession_number).order_by(study.c.id)
    return [_study(row) for row in connection.execute(query).mappings()]


def newest(connection: Connection, limit: int) -> list[Study]:
    """Studies, the last received first."""
    query = select(*_STUDY_COLUMNS).order_by(study.c.first_received_at.desc(), study.c.id.desc()).limit(limit)
    return [_study(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection, states: Collection[StudyState] = tuple(StudyState)) -> dict[str, int]:
    """How many studies are in each of these states; of a state with few of a million quickly."""
    query = select(study.c.state, func.count().label("how_many")).where(study.c.state.in_(states))
    query = query.group_by(study.c.state)
    return {row.state: row.how_many for row in connection.execute(query)}


def unsettled_count(connection: Connection) -> int:
    """How many studies are still arriving: they have no job yet."""
    query = select(func.count()).select_from(study).where(study.c.settle_at.is_not(None))
    return connection.execute(query).scalar_one()


def instances(connection: Connection, study_id: int | None = None) -> list[StoredInstance]:
    """The instances of one study, or of all, in order of arrival."""
    query = select(instance).order_by(instance.c.id)
    if study_id is not None:
        query = query.where(instance.c.study_id == study_id)
    return [_instance(row) for row in connection.execute(query).mappings()]


def newest_instances(connection: Connection, limit: int) -> list[StoredInstance]:
    """Instances, the last received first."""
    query = select(instance).order_by(instance.c.id.desc()).limit(limit)
    return [_instance(row) for row in connection.execute(query).mappings()]


def with_uids(connection: Connection, sop_instance_uids: Collection[str]) -> dict[str, list[StoredInstance]]:
    """What is stored under each of these SOP Instance UIDs; one that is not stored is left out."""
    found: dict[str, list[StoredInstance]] = {}
    for part in _parts(sorted(set(sop_instance_uids))):
        for row in connection.execute(select(instance).where(instance.c.sop_instance_uid.in_(part))).mappings():
            found.setdefault(row["sop_instance_uid"], []).append(_instance(row))
    return found


def calling_aes(connection: Connection, study_id: int) -> list[str]:
    """The AE titles that sent instances of a study, the last one first."""
    query = (
        select(instance.c.calling_ae)
        .where(instance.c.study_id == study_id)
        .group_by(instance.c.calling_ae)
        .order_by(func.max(instance.c.id).desc())
    )
    return list(connection.execute(query).scalars())


def seen_lately(connection: Connection, limit: int) -> list[Caller]:
    """Who sent the images received last, `limit` of them; who was last first."""
    last = select(instance.c.calling_ae, instance.c.calling_address, instance.c.received_at)
    last_few = last.order_by(instance.c.id.desc()).limit(limit).subquery()
    at = func.max(last_few.c.received_at)
    query = select(last_few.c.calling_ae, last_few.c.calling_address, func.count(), type_coerce(at, Utc))
    query = query.group_by(last_few.c.calling_ae, last_few.c.calling_address).order_by(at.desc())
    return [
        Caller(calling_ae=ae, calling_address=address, images=count, last_at=last_at)
        for ae, address, count, last_at in connection.execute(query)
    ]


def instance_uids(connection: Connection) -> Sequence[str]:
    """Every stored SOP Instance UID, each once, in order."""
    query = select(instance.c.sop_instance_uid).distinct().order_by(instance.c.sop_instance_uid)
    return connection.execute(query).scalars().all()


def _parts(uids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(uids), _AT_ONCE):
        yield uids[start : start + _AT_ONCE]


def _study(row: RowMapping) -> Study:
    return Study(**{**row, "state": StudyState(row["state"])})


def _instance(row: Mapping[Any, Any]) -> StoredInstance:
    reason, absence = row["reason"], row["absence"]
    words = {"reason": reason and Reason(reason), "absence": absence and Absence(absence)}
    return StoredInstance(**{**row, **words})
