"""A department's day as rows: studies with their reports, and one with its radiographs, which are drawn."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from pydicom.dataset import FileDataset
from pydicom.uid import UID

from db import concordance, deliveries, frontals, jobs, minings, positives, results, standing, studies
from db.deliveries import AsSent
from db.engine import Connection
from db.learning_records import Frontal
from db.records import Arrival, JobKind, JobState, StoredPrediction, StudyState
from db.result_records import DeliveryState
from db.vocabulary import EIGHT, Reason
from inference import image_file
from inference.classifier import Classifier
from nlp import miner, parser
from node.demonstration import phantom
from node.files import Folder
from node.labels import mining
from node.models.predictions import kept
from tests.bundles import Spot, write_told
from tests.db.label_rows import add_report
from tests.db.rows import add_result, arrival, claimed, prediction, record, score
from tests.node.console.cases import CASES, POINTS, TODAY, VERSION, Case
from tests.stored import put

SPOTS = {
    "Effusion": Spot(x=0.82, y=0.69, radius=0.08, probability=0.86),
    "Nodule": Spot(x=0.285, y=0.37, radius=0.045, probability=0.64),
}
"""Where the drawn radiographs have their signs."""
UID_OF_SHOWN = "2.25.100"
"""The study that has radiographs."""
RADIOGRAPHS = ((1600, 1440), (1000, 800))
"""Rows and columns; the first has more pixels than its first picture."""
KINDS = {"sr": 41_216, "seg": 18_432, "overlay": 3_145_728}
"""What is built of a study, and its size in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Puts a day's studies into a database and a store."""

    connection: Connection
    data: Path
    reports: dict[int, tuple[int, str]] = field(default_factory=dict)

    def fill(self) -> None:
        """All cases, the oldest first; what still waits comes last, so that no other job is taken for it."""
        for number, case in enumerate(reversed(CASES), 1):
            self._case(number, case)
        self._shown()
        self._mine()

    def _case(self, number: int, case: Case) -> None:
        at = TODAY - timedelta(minutes=case.minutes)
        study_id = self._arrive(_arrival(number, case, at), at)
        if case.report:
            self._report(study_id, case, at - timedelta(seconds=20), key=str(number))
        if case.state is StudyState.READ:
            self._read(study_id, _probabilities(number, case.found), at, case.delivery)
        elif case.state is not StudyState.ARRIVING:
            self._stuck(study_id, case, at)

    def _arrive(self, new: Arrival, at: datetime) -> int:
        return record(self.connection, new, at + timedelta(seconds=30)).id

    def _stuck(self, study_id: int, case: Case, at: datetime) -> None:
        """A study that waits, or is not to be read, or could not be."""
        self._begin(study_id, at)
        if case.state is StudyState.QUEUED:
            return
        job = claimed(self.connection, at=at + timedelta(seconds=31))
        ended = JobState.DONE if case.state is StudyState.NOT_READ else JobState.FAILED
        reason = Reason.NOT_FRONTAL if case.state is StudyState.NOT_READ else Reason.UNDECODABLE
        now = at + timedelta(seconds=32)
        jobs.end(self.connection, job, state=ended, now=now, error_code=reason, error=reason.sentence)
        studies.end_revision(self.connection, study_id, 1, case.state)

    def _begin(self, study_id: int, at: datetime) -> int:
        studies.begin_revision(self.connection, studies.get(self.connection, study_id))
        job_id = jobs.add(
            self.connection, kind=JobKind.READ, subject_id=study_id, revision=1, now=at + timedelta(seconds=30)
        )
        assert job_id is not None
        return job_id

    def _read(
        self, study_id: int, probabilities: Mapping[str, float], at: datetime, delivery: DeliveryState | None
    ) -> None:
        """A study is read a moment after it has settled, and its results are on their way."""
        ready = at + timedelta(seconds=31)
        job_id = self._begin(study_id, at)
        for image in studies.instances(self.connection, study_id):
            frontals.record(
                self.connection, [Frontal(instance_id=image.id, view="AP" if image.calling_ae == "WARDXR" else "PA")]
            )
            if results.prediction_of(self.connection, image.id, VERSION) is None:
                results.add_prediction(self.connection, said(image.id, VERSION, probabilities), ready)
        job = claimed(self.connection, at=ready)
        jobs.end(self.connection, job, state=JobState.DONE, now=ready + timedelta(seconds=1))
        positives.replace(
            self.connection, study_id, {name: each for name, each in probabilities.items() if each >= POINTS[name]}
        )
        self._deliver(study_id, self._built(study_id, job_id, ready), ready, delivery)
        studies.end_revision(self.connection, study_id, 1, StudyState.READ)

    def _built(self, study_id: int, job_id: int, at: datetime) -> list[int]:
        return [
            add_result(
                self.connection,
                study_id,
                job_id,
                10 * study_id + place,
                kind=kind,
                model_version=VERSION,
                size=size,
                path=f"2026/03/18/{study_id}-{kind}.dcm",
                created_at=at,
            )
            for place, (kind, size) in enumerate(KINDS.items())
        ]

    def _deliver(self, study_id: int, result_ids: Sequence[int], at: datetime, state: DeliveryState | None) -> None:
        """As far as the destination has got; None is nowhere to go."""
        if state is None:
            return
        deliveries.add(self.connection, result_ids, "pacs")
        job = {"kind": JobKind.DELIVER, "subject_id": study_id, "revision": 1, "destination": "pacs", "now": at}
        jobs.add(self.connection, **job)
        if state is DeliveryState.WAITING:
            return
        held = claimed(self.connection, at=at)
        ids = [each.id for each in deliveries.of_study(self.connection, study_id)]
        if state is DeliveryState.REFUSED:
            words = "SOP Class not supported (0x0122)."
            deliveries.mark(self.connection, ids[1:2], state, error=words)
            jobs.end(
                self.connection,
                held,
                state=JobState.FAILED,
                now=at,
                error_code="refused",
                error=f"1 of 3 objects: {words}",
            )
            return
        for delivery_id in ids:
            form = AsSent(
                sop_class_uid="1", sop_instance_uid=f"2.{delivery_id}", transfer_syntax_uid="1", sha256="0" * 64
            )
            deliveries.sent(self.connection, delivery_id, form, at + timedelta(seconds=2))
        if state is DeliveryState.COMMITTED:
            deliveries.ask(self.connection, ids, f"2.25.9{study_id}", at + timedelta(seconds=2))
            deliveries.answered(self.connection, f"2.25.9{study_id}", {}, at + timedelta(seconds=5))
        jobs.end(self.connection, held, state=JobState.DONE, now=at + timedelta(seconds=5))

    def _report(self, study_id: int, case: Case, at: datetime, *, key: str) -> None:
        study = studies.get(self.connection, study_id)
        report_id = add_report(
            self.connection,
            key,
            studies=[study_id],
            text=case.report,
            procedure="XR CHEST PORTABLE" if case.room == "WARDXR" else "XR CHEST PA",
            accession_number=study.accession_number,
            patient_id=study.patient_id,
            version_at=at,
            message_at=at,
            received_at=at,
        )
        self.reports[report_id] = (study_id, case.report)

    def _mine(self) -> None:
        """The reports become labels, and labels are held against what the model said."""
        made = miner.load()
        readings = [
            mining.reading(report_id, made.mine(made.sections(text)), parser.MODEL, TODAY)
            for report_id, (_, text) in self.reports.items()
        ]
        minings.record(self.connection, readings)
        standing.refresh(self.connection, list(self.reports))
        concordance.refresh(self.connection, [study_id for study_id, _ in self.reports.values()])

    def _shown(self) -> None:
        """The study with radiographs: read by a model that is told where their signs are, and reported later."""
        at = TODAY - timedelta(minutes=24)
        case = Case("LINDQVIST^ASTRID", "DXROOM1", 24, report=REPORT)
        model = Classifier(write_told(self.data / "told", SPOTS, version=VERSION), threads=1)
        store, study_id = Folder(self.data / "store"), 0
        for number, (rows, columns) in enumerate(RADIOGRAPHS, 1):
            arrived = _arrival(100, case, at + timedelta(seconds=9 * number))
            new = put(store, _radiograph(number, rows, columns), arrived)
            study_id = self._arrive(new, at)
            image = studies.instances(self.connection, study_id)[-1]
            foreseen = kept(image.id, model(image_file.read(store.path(new.path), None)))
            results.add_prediction(self.connection, _pointed(foreseen), at + timedelta(seconds=40))
        store.close()
        self._read(study_id, {name: spot.probability for name, spot in SPOTS.items()}, at, DeliveryState.COMMITTED)
        self._report(study_id, case, at + timedelta(minutes=17), key="shown")


def said(instance_id: int, version: str, probabilities: Mapping[str, float]) -> StoredPrediction:
    """What a model said of an image, without maps."""
    scores = [score(each, name, operating_point=POINTS[name]) for name, each in probabilities.items()]
    return prediction(instance_id, version, scores=scores)


def _pointed(foreseen: StoredPrediction) -> StoredPrediction:
    """The same with the operating points of the model that reads, and what it thinks of what is not there."""
    low = _probabilities(100, {name: spot.probability for name, spot in SPOTS.items()})
    scores = [
        each | {"probability": low[each["finding"]], "operating_point": POINTS[each["finding"]]}
        for each in foreseen.scores
    ]
    return replace(foreseen, scores=scores)


def _probabilities(number: int, found: Mapping[str, float]) -> dict[str, float]:
    """Of all findings; those that were not found lie below their points."""
    chance = random.Random(number)
    return {each.name: found.get(each.name, POINTS[each.name] * chance.uniform(0.1, 0.8)) for each in EIGHT}


def _arrival(number: int, case: Case, at: datetime) -> Arrival:
    uid = f"2.25.{number}"
    return arrival(
        study_instance_uid=uid,
        sop_instance_uid=f"{uid}.1",
        series_instance_uid=f"{uid}.0",
        sha256=hashlib.sha256(uid.encode()).hexdigest(),
        path=f"2026/03/18/{number}.dcm",
        patient_name=case.name,
        patient_id=f"{70_000 + 61 * number}",
        accession_number=f"X26-{31_000 + number}",
        study_date="20260318",
        calling_ae=case.room,
        calling_address="10.20.30.41",
        received_at=at,
    )


def _radiograph(number: int, rows: int, columns: int) -> FileDataset:
    """A drawn radiograph."""
    ds = phantom.dataset(rows=rows, columns=columns, findings=tuple(SPOTS))
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID_OF_SHOWN, f"{UID_OF_SHOWN}.0"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"{UID_OF_SHOWN}.{number}")
    return ds


REPORT = (
    "CLINICAL INFORMATION: Cough for three weeks. Pneumonia?\n\n"
    "FINDINGS: Small left pleural effusion with blunting of the costophrenic angle. A 15 mm nodule in the right upper "
    "zone, which may represent a granuloma. No pneumothorax. The heart is not enlarged. No consolidation.\n\n"
    "IMPRESSION: Small left effusion. Nodule in the right upper zone; CT is recommended."
)
