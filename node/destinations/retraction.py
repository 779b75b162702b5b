"""Telling destinations that results were taken back (IHE Radiology, IOCM).

Theory of operation. `cxr results retract` marks results, withdraws what was not sent yet, and leaves a `retract` job
for each destination, all in one transaction a study. The job waits until nothing of the study is on its way to its
destination, for what arrives there in the meantime has to be taken back too. Then it builds the rejection note, once,
of what the destination really got, stores it with its delivery, and delivers it as any result: with back-off, the same
bytes each time, and commitment where the destination has to give it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset, dcmread

from db import backlog, deliveries, results, studies
from db.engine import Connection, Database, queue_for
from db.records import Job, JobState
from db.result_records import Parcel, ResultKind
from db.vocabulary import RejectionReason
from node.files import InstanceStore
from node.objects import encoding
from node.objects.identity import Identity
from node.objects.model import ModelDescription
from node.objects.rejection import Retracted, build_rejection
from node.objects.result import ResultObject
from node.process.implementation import SOFTWARE_VERSION
from node.worker import Ending, Handler

IN_DELIVERY_DELAY_S = 1.0
"""How long to wait for a delivery that runs before it is looked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """The handler of `retract` jobs; `deliver` sends the note, which says in `language` what it is."""

    store: InstanceStore
    database: Database
    deliver: Handler
    language: str = "en"

    def __call__(self, job: Job) -> Ending:
        """Make the note, unless it is there, and deliver it."""
        destination = job.destination or ""
        with self.database.read() as connection:
            noted = self._noted(connection, job)
            runs = backlog.any_delivery_runs(connection, job.subject_id, destination)
            study_instance_uid = studies.get(connection, job.subject_id).study_instance_uid
            parcels = deliveries.taken_back(connection, job.subject_id, job.created_at, destination)
        if noted:
            return self.deliver(job)
        if runs:
            sentence = f"Results of the study are being sent to {destination}; what arrives is taken back too."
            return Ending(state=JobState.QUEUED, error_code="in_delivery", error=sentence, delay_s=IN_DELIVERY_DELAY_S)
        if not parcels:
            return Ending(state=JobState.DONE)
        if all(each.result.absence is not None for each in parcels):
            sentence = f"No file of these results is here, so {destination} cannot be told; restore one, then retry."
            return Ending(state=JobState.FAILED, error_code="file_lost", error=sentence)
        self._keep(job, parcels, self._note(job, study_instance_uid, parcels))
        return self.deliver(job)

    def _noted(self, connection: Connection, job: Job) -> bool:
        found = deliveries.parcels(connection, job.subject_id, job.revision, job.destination or "")
        return any(each.result.kind == ResultKind.REJECTION for each in found)

    def _note(self, job: Job, study_instance_uid: str, parcels: Sequence[Parcel]) -> ResultObject:
        """The note on what a destination got, as it was sent there."""
        last = parcels[-1].result
        return build_rejection(
            self._header(parcels),
            [
                Retracted(
                    sop_class_uid=each.delivery.sop_class_uid or each.result.sop_class_uid,
                    sop_instance_uid=each.delivery.sop_instance_uid or each.result.sop_instance_uid,
                    series_instance_uid=each.result.series_instance_uid,
                )
                for each in parcels
            ],
            RejectionReason(last.retraction_reason or RejectionReason.QUALITY),
            identity=Identity(
                study_instance_uid=study_instance_uid, revision=job.revision, model_version=last.model_version
            ),
            model=ModelDescription(
                name=last.model_version, version=last.model_version, software_version=SOFTWARE_VERSION
            ),
            created=job.created_at,
            language=self.language,
        )

    def _header(self, parcels: Sequence[Parcel]) -> Dataset:
        """Patient and study as one of the objects has them; retention may have removed the pictures among them."""
        here = next((each.result for each in reversed(parcels) if each.result.absence is None), parcels[-1].result)
        return dcmread(self.store.path(here.path), stop_before_pixels=True)

    def _keep(self, job: Job, parcels: Sequence[Parcel], note: ResultObject) -> None:
        """Store the note and its delivery; destinations that got the same objects get the same note."""
        data = encoding.encode(note.dataset)
        path = self.store.put(data)
        with self.database.write() as connection:
            queue_for(connection, note.sop_instance_uid)
            known = results.under(connection, note.sop_instance_uid)
            if known is not None:
                self.store.remove(path)
                if not self._noted(connection, job):
                    deliveries.add(connection, [known.id], job.destination or "")
                return
            result_id = results.add_result(
                connection,
                job_id=job.id,
                study_id=job.subject_id,
                revision=job.revision,
                kind=note.kind,
                model_version=parcels[-1].result.model_version,
                sop_class_uid=note.sop_class_uid,
                sop_instance_uid=note.sop_instance_uid,
                series_instance_uid=note.series_instance_uid,
                path=path,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                created_at=job.created_at,
            )
            deliveries.add(connection, [result_id], job.destination or "")
