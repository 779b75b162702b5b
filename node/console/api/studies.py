"""Studies, what was found in them and what was made of that, by HTTP."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import FileResponse

from db import deliveries, results, studies
from db.engine import Connection
from db.records import StoredInstance, Study
from db.result_records import Delivery, Result
from node.console.api.basis import Limit, Node, Text, Uid
from node.console.api.caller import Reader

router = APIRouter(tags=["studies"])


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeStudy:
    """A study with its instances."""

    study: Study
    instances: list[StoredInstance]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One finding: probability and operating point in [0, 1]; a box is x, y, width, height in pixels, and threshold."""

    finding: str
    probability: float
    operating_point: float
    boxes: list[list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a model version said of an instance."""

    sop_instance_uid: str
    model_version: str
    rows: int
    columns: int
    scores: list[Score]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltResult:
    """A result object, and where it went."""

    result: Result
    deliveries: list[Delivery]


@router.get("/studies")
def list_studies(
    node: Node,
    caller: Reader,
    limit: Limit = 50,
    accession_number: Annotated[Text, Query(description="Only those under it.")] = None,
) -> list[Study]:
    """The studies, those received last first."""
    with node.database.read() as connection:
        if accession_number is None:
            found = studies.newest(connection, limit)
        else:
            found = studies.under(connection, accession_number)[::-1][:limit]
    caller.saw("worklist.view", "studies", by_accession=accession_number is not None)
    return [node.shown(study) for study in found]


@router.get("/studies/{study_instance_uid}")
def one_study(node: Node, caller: Reader, study_instance_uid: Uid) -> WholeStudy:
    """A study and its instances; one that was not read says why."""
    with node.database.read() as connection:
        study = known(connection, study_instance_uid)
        instances = studies.instances(connection, study.id)
    caller.saw("study.view", study_instance_uid)
    return WholeStudy(study=node.shown(study), instances=instances)


@router.get("/studies/{study_instance_uid}/predictions")
def predictions(node: Node, caller: Reader, study_instance_uid: Uid) -> list[Reading]:
    """What each model version said of each image of a study."""
    with node.database.read() as connection:
        study = known(connection, study_instance_uid)
        uids = {each.id: each.sop_instance_uid for each in studies.instances(connection, study.id)}
        found = [
            _reading(connection, instance_id, uids[instance_id], version)
            for instance_id, versions in sorted(results.readers(connection, study.id).items())
            for version in sorted(versions)
        ]
    caller.saw("study.view", study_instance_uid, part="predictions")
    return found


@router.get("/studies/{study_instance_uid}/results")
def built(node: Node, caller: Reader, study_instance_uid: Uid) -> list[BuiltResult]:
    """The result objects of a study, every revision's, and how far each delivery got."""
    with node.database.read() as connection:
        study = known(connection, study_instance_uid)
        found = [
            BuiltResult(result=each, deliveries=deliveries.of_result(connection, each.id))
            for each in results.of_study(connection, study.id)
        ]
    caller.saw("study.view", study_instance_uid, part="results")
    return found


@router.get("/objects/{sop_instance_uid}", response_class=FileResponse)
def dicom_object(node: Node, caller: Reader, sop_instance_uid: Uid) -> FileResponse:
    """An image or a result as a DICOM file; not where the site masks patients, since it names one."""
    if node.mask.on:
        raise HTTPException(403, "Patients are masked here, and a DICOM object names its patient.")
    with node.database.read() as connection:
        name = _name_of(connection, sop_instance_uid)
    caller.saw("object.view", sop_instance_uid)
    path = node.store.path(name)
    if not path.is_file():
        raise HTTPException(410, "The file of this object is not there any more; see `cxr verify`.")
    return FileResponse(path, media_type="application/dicom", filename=f"{sop_instance_uid}.dcm")


def known(connection: Connection, study_instance_uid: str) -> Study:
    """The study.

    Raises:
        HTTPException: there is none.
    """
    study = studies.find(connection, study_instance_uid)
    if study is None:
        raise HTTPException(404, "No study with this UID has arrived.")
    return study


def _reading(connection: Connection, instance_id: int, sop_instance_uid: str, version: str) -> Reading:
    stored = results.prediction_of(connection, instance_id, version)
    if stored is None:
        raise HTTPException(404, "The prediction is not there any more.")
    return Reading(
        sop_instance_uid=sop_instance_uid,
        model_version=version,
        rows=stored.rows,
        columns=stored.columns,
        scores=[Score(**score) for score in stored.scores],
    )


def _name_of(connection: Connection, sop_instance_uid: str) -> str:
    """What the store calls the file of an instance or a result."""
    result = results.under(connection, sop_instance_uid)
    instances = studies.with_uids(connection, [sop_instance_uid]).get(sop_instance_uid, [])
    found: list[Result | StoredInstance] = [*([result] if result else []), *instances]
    if not found:
        raise HTTPException(404, "There is no object with this UID.")
    there = [each for each in found if each.absence is None]
    if not there:
        raise HTTPException(410, f"The file of this object is {found[0].absence}.")
    return there[0].path
