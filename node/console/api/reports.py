"""Reports, the labels in force, and a person's correction of one, by HTTP."""

from dataclasses import dataclass, replace
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from db import links, reports
from db.engine import Connection
from db.records import Study
from db.report_records import Report, ReportLink
from db.vocabulary import Assertion
from node.console.api.basis import Basis, Limit, Node, Text, Uid
from node.console.api.caller import Labeller, Reader
from node.console.api.studies import known
from node.labels import correction, listing
from node.labels.correction import Target
from node.labels.listing import LabelLine

router = APIRouter(tags=["reports and labels"])


class Correction(BaseModel):
    """What is true of a finding: of a study, or of the reports under an accession number."""

    model_config = ConfigDict(extra="forbid")

    study_instance_uid: Annotated[str, Field(pattern=r"^[0-9.]{1,64}$")] | None = None
    accession_number: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]+$")] | None = None
    finding: Annotated[str, Field(max_length=32)]
    assertion: Assertion
    reason: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What was said of a study or report before, and what is said now."""

    of: str
    finding: str
    before: Assertion
    after: Assertion


@router.get("/reports")
def list_reports(
    node: Node, caller: Reader, limit: Limit = 50, unlinked: Annotated[bool, Query(description="Only those.")] = False
) -> list[ReportLink]:
    """The reports without their text, the last received first: the studies of each, or why it has none."""
    with node.database.read() as connection:
        found = links.listed(connection, unlinked_only=unlinked, limit=limit)
    caller.saw("reports.view", "reports", unlinked=unlinked)
    return [
        replace(
            each,
            accession_number=node.mask.value(each.accession_number),
            report_key=node.mask.value(each.report_key),
        )
        for each in found
    ]


@router.get("/studies/{study_instance_uid}/reports")
def of_study(node: Node, caller: Reader, study_instance_uid: Uid) -> list[Report]:
    """The reports of a study, each in the version that holds now."""
    with node.database.read() as connection:
        study = known(connection, study_instance_uid)
        found = reports.of_study(connection, study.id)
    caller.saw("study.view", study_instance_uid, part="reports")
    return [_shown(node, each, study) for each in found]


@router.get("/studies/{study_instance_uid}/labels")
def labels_of_study(node: Node, caller: Reader, study_instance_uid: Uid) -> list[LabelLine]:
    """The labels in force of a study: each finding, Normal too, and what decided it."""
    with node.database.read() as connection:
        known(connection, study_instance_uid)
        found = list(listing.lines(connection, study_instance_uid=study_instance_uid, accession_number=None))
    caller.saw("study.view", study_instance_uid, part="labels")
    return _masked(node, found)


@router.get("/labels")
def list_labels(
    node: Node,
    caller: Reader,
    limit: Limit = 50,
    finding: Annotated[Text, Query(description="Only this finding, or Normal.")] = None,
    assertion: Annotated[Assertion | None, Query(description="Only this state.")] = None,
    accession_number: Annotated[Text, Query(description="Only those of its reports.")] = None,
) -> list[LabelLine]:
    """The labels in force, those of the newest report first; as `cxr labels list`."""
    name = None if finding is None else correction.finding_named(finding)
    with node.database.read() as connection:
        lines = listing.lines(connection, study_instance_uid=None, accession_number=accession_number)
        found = list(islice(listing.chosen(lines, finding=name, assertion=assertion), limit))
    caller.saw("labels.view", "labels", finding=name, assertion=assertion)
    return _masked(node, found)


@router.post("/labels/corrections", status_code=201)
def correct(node: Node, caller: Labeller, said: Correction) -> list[Corrected]:
    """Say what is true of a finding: a gold label, which outranks what was and will be mined."""
    name = correction.finding_named(said.finding)
    if (said.study_instance_uid is None) == (said.accession_number is None):
        raise HTTPException(422, "Give study_instance_uid or accession_number.")
    with node.database.write() as connection:
        targets = _targets(connection, said)
        correction.require_possible(targets, name, said.assertion)
        correction.write(
            connection,
            targets,
            finding=name,
            assertion=said.assertion,
            actor=caller.name,
            reason=said.reason,
            now=node.now(),
        )
    return [Corrected(of=each.name, finding=name, before=each.state(name), after=said.assertion) for each in targets]


def _targets(connection: Connection, said: Correction) -> list[Target]:
    if said.study_instance_uid is not None:
        return correction.of_study(connection, said.study_instance_uid)
    return correction.of_accession(connection, said.accession_number or "")


def _masked(node: Basis, lines: list[LabelLine]) -> list[LabelLine]:
    return [replace(line, accession_number=node.mask.value(line.accession_number)) for line in lines]


def _shown(node: Basis, report: Report, study: Study) -> Report:
    return replace(
        report,
        patient_id=node.mask.value(report.patient_id),
        accession_number=node.mask.value(report.accession_number),
        report_key=node.mask.value(report.report_key),
        text=node.mask.text(report.text, study),
    )
