"""What the database says of a study when its job begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from db import results, studies
from db.engine import Connection
from db.records import Job, StoredInstance, Study
from db.result_records import REPORT_KINDS, Result, ResultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A study, its images, and what was said of it before.

    Attributes:
        last: the report before.
        predecessor: the one to name as such. One that was taken back is not named any more; neither is it made again if
            there is nothing new to say.
        note: that this revision was not read, where a person has asked again since.
    """

    study: Study
    instances: Sequence[StoredInstance]
    last: Result | None
    predecessor: Result | None
    note: Result | None


def remember(connection: Connection, job: Job) -> Known:
    """Look up what there is."""
    return Known(
        study=studies.get(connection, job.subject_id),
        instances=studies.instances(connection, job.subject_id),
        last=results.previous(connection, job.subject_id, job.revision, (ResultKind.SR,)),
        predecessor=results.predecessor(connection, job.subject_id, job.revision, REPORT_KINDS),
        note=results.note(connection, job.subject_id, job.revision, ResultKind.NOT_PROCESSED),
    )


def name_of(previous: Result | None, study_instance_uid: str) -> tuple[str, str, str, str] | None:
    """How a report names the one before it."""
    if previous is None:
        return None
    return previous.sop_class_uid, previous.sop_instance_uid, previous.series_instance_uid, study_instance_uid
