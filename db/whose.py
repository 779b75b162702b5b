"""Whose data an entry of the audit log is about."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from db.schema import instance, report, result, study

ROW = re.compile(r"(study|report) ([0-9]{1,18})")
UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A patient, and the study if it is known."""

    patient_id: str
    study_instance_uid: str | None


def whose(connection: Connection, subject: str) -> Whose | None:
    """The patient of a subject: the UID of a study or object, `study 4` or `report 4`; None if it is nobody's."""
    for query in _queries(subject):
        row = connection.execute(query).first()
        if row is not None:
            return Whose(patient_id=row.patient_id, study_instance_uid=row.study_instance_uid or None)
    return None


def _queries(subject: str) -> list[Select[Any]]:
    """Each by an index; the first that finds something counts."""
    named = ROW.fullmatch(subject)
    if named is not None:
        row_id = int(named[2])
        return [_of_study().where(study.c.id == row_id)] if named[1] == "study" else [_of_report(row_id)]
    if UID.fullmatch(subject) is None:
        return []
    objects = [
        _of_study().join(table, table.c.study_id == study.c.id).where(table.c.sop_instance_uid == subject).limit(1)
        for table in (instance, result)
    ]
    return [_of_study().where(study.c.study_instance_uid == subject), *objects]


def _of_study() -> Select[Any]:
    return select(study.c.patient_id, study.c.study_instance_uid)


def _of_report(row_id: int) -> Select[Any]:
    return select(report.c.patient_id, report.c.study_instance_uid).where(report.c.id == row_id)
