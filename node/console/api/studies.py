"""Studies by HTTP: the list, all that is known of one, and its objects as files."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import FileResponse
from pydantic import Field

from db import dossier, results, studies, worklist
from db.engine import Connection
from db.progress import Progress
from db.records import StoredInstance, Study
from db.result_records import Result
from node.console.api.basis import Node, Uid
from node.console.api.caller import Labeller, Reader
from node.console.api.page import LATEST, Asked, Page
from node.console.downloads import GONE
from node.study import outline
from node.study.outline import StudyLine, WholeStudy
from node.study.wanted import read_as, without_patients
from node.upkeep import integrity, quarantine

router = APIRouter(tags=["studies"])

UNKNOWN = "No study with this UID has arrived."
Value = Annotated[str | None, Field(max_length=64)]


class StudiesAsked(Asked):
    """The worklist's own filters, which narrow down together."""

    state: Annotated[Progress | None, Field(description="How far it has got.")] = None
    finding: Annotated[Value, Field(description="Found above its operating point.")] = None
    from_: Annotated[Value, Field(alias="from", description="Received on this day or later: 2026-03-14.")] = None
    to: Annotated[Value, Field(description="Received on this day or before.")] = None
    ae: Annotated[Value, Field(description="The AE title that sent it.")] = None
    accession: Annotated[Value, Field(description="Its accession number.")] = None
    patient: Annotated[Value, Field(description="A patient id, or how the name begins, family name first.")] = None
    after: Annotated[int | None, Field(ge=1, le=LATEST, description="`next` of the page before.")] = None


@router.get("/studies")
def list_studies(node: Node, caller: Reader, asked: Annotated[StudiesAsked, Query()]) -> Page[StudyLine]:
    """The studies, those received last first, each with how far it has got and what was found."""
    wanted = read_as(asked.given, node.settings.console.time_zone)
    with node.database.read() as connection:
        found = worklist.listing(connection, wanted, limit=asked.limit, after=asked.after)
    caller.saw("worklist.view", "studies", **without_patients(asked.given))
    lines = [node.shown(outline.line(each)) for each in found.rows]
    return Page(items=lines, next=None if found.after is None else str(found.after))


@router.get("/studies/{study_instance_uid}")
def one_study(node: Node, caller: Reader, study_instance_uid: Uid) -> WholeStudy:
    """A study: its images, what models said of each, what was made and sent, and all that happened to it."""
    with node.database.read() as connection:
        found = dossier.of_study(connection, study_instance_uid)
    if found is None:
        raise HTTPException(404, UNKNOWN)
    caller.saw("study.view", study_instance_uid)
    told = outline.whole(found)
    reports = tuple(replace(each, report_key=node.mask.value(each.report_key)) for each in told.reports)
    return replace(told, study=node.shown(told.study), reports=reports)


@router.get("/studies/{study_instance_uid}/objects/{sop_instance_uid}", response_class=FileResponse)
def download(node: Node, caller: Labeller, study_instance_uid: Uid, sop_instance_uid: Uid) -> FileResponse:
    """An image or a result as a DICOM file, if it is whole; not where the site masks patients, since it names one."""
    if node.mask.on:
        raise HTTPException(403, "Patients are masked here, and a DICOM object names its patient.")
    with node.database.read() as connection:
        found = _object(connection, known(connection, study_instance_uid), sop_instance_uid)
    if found is None:
        raise HTTPException(404, "The study has no such object.")
    if quarantine.inspect(node.database, node.store, integrity.of(found), node.now()) is not None:
        raise HTTPException(410, GONE)
    caller.saw("study.download", study_instance_uid, sop_instance_uid=sop_instance_uid)
    path = node.store.path(found.path)
    return FileResponse(path, media_type="application/dicom", filename=f"{sop_instance_uid}.dcm")


def known(connection: Connection, study_instance_uid: str) -> Study:
    """The study.

    Raises:
        HTTPException: there is none.
    """
    study = studies.find(connection, study_instance_uid)
    if study is None:
        raise HTTPException(404, UNKNOWN)
    return study


def _object(connection: Connection, study: Study, sop_instance_uid: str) -> StoredInstance | Result | None:
    """Of several that came under the same UID one whose file is there, if any is."""
    every: list[StoredInstance | Result] = [
        *results.of_study(connection, study.id),
        *studies.instances(connection, study.id),
    ]
    mine = [each for each in every if each.sop_instance_uid == sop_instance_uid]
    return next((each for each in mine if each.absence is None), next(iter(mine), None))
