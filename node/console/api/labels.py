"""The labels in force by HTTP: listed, counted, corrected by a person, and taken back."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from db import census, corrections, labels, report_search, tally
from db.engine import Connection
from db.report_search import FoundReport, Wanted
from db.tally import Cooccurrence, LabelTable
from db.vocabulary import NORMAL, Assertion
from node.console.api.basis import Basis, Node, RowId, Uid
from node.console.api.caller import Labeller, Reader
from node.console.api.page import Limit, Page, Text, begun
from node.console.api.studies import known
from node.console.report_search import STATES, place, written
from node.console.words import sentence
from node.errors import SettingsError
from node.labels import correction, listing, tallies
from node.labels.correction import Corrected, Target
from node.labels.listing import LabelLine

router = APIRouter(tags=["labels"])

Findings = Annotated[Literal["8", "14"], Query(description="Of ChestX-ray8, or of ChestX-ray14.")]


class Correction(BaseModel):
    """What is true of a finding: of a study, of a report, or of all reports under an accession number."""

    model_config = ConfigDict(extra="forbid")

    study_instance_uid: Annotated[str, Field(pattern=r"^[0-9.]{1,64}$")] | None = None
    accession_number: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]+$")] | None = None
    report_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    finding: Annotated[str, Field(max_length=32)]
    assertion: Assertion
    reason: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""
    seen: Annotated[
        str | None, Field(max_length=32, description="`basis` as it was; refused if another row says it by now.")
    ] = None


@router.get("/labels")
def list_labels(
    node: Node,
    caller: Reader,
    limit: Limit = 50,
    after: Annotated[Text, Query(description="`next` of the page before.")] = None,
    finding: Annotated[Text, Query(description="Only this finding, or Normal.")] = None,
    assertion: Annotated[Assertion | None, Query(description="Only this state.")] = None,
    accession: Annotated[Text, Query(description="Only those of its reports.")] = None,
) -> Page[LabelLine]:
    """The labels of so many reports, the latest first; without a state those that are mentioned."""
    name = None if finding is None else correction.finding_named(finding)
    wanted, begin = _wanted(accession, name, assertion), begun(after, place)
    with node.database.read() as connection:
        found = report_search.find(connection, wanted, after=begin, limit=limit)
        lines = list(listing.chosen(_lines(connection, found.reports), finding=name, assertion=assertion))
    caller.saw("labels.view", "labels", finding=name, assertion=assertion, by_accession=accession is not None)
    return Page(items=_masked(node, lines), next=None if found.further is None else written(found.further))


@router.get("/studies/{study_instance_uid}/labels")
def labels_of_study(node: Node, caller: Reader, study_instance_uid: Uid) -> list[LabelLine]:
    """The labels in force of a study: each finding, Normal too, and what decided it."""
    with node.database.read() as connection:
        known(connection, study_instance_uid)
        found = list(listing.lines(connection, study_instance_uid=study_instance_uid, accession_number=None))
    caller.saw("study.view", study_instance_uid, part="labels")
    return _masked(node, found)


@router.get("/labels/table")
def label_table(node: Node, _caller: Reader, findings: Findings = "8") -> LabelTable:
    """How many reports have each label: the paper's Table 1 of this site as it is now, without studies and images."""
    with node.database.read() as connection:
        return tally.summed(census.at_once(connection), _names(findings))[0]


@router.get("/labels/cooccurrence")
def cooccurrence(node: Node, _caller: Reader, findings: Findings = "8") -> Cooccurrence:
    """How many reports have two findings together: the paper's Figure 2 of this site as it is now."""
    with node.database.read() as connection:
        return tally.summed(census.at_once(connection), _names(findings))[1]


@router.post("/labels/corrections", status_code=201)
def correct(node: Node, caller: Labeller, said: Correction) -> list[Corrected]:
    """Say what is true of a finding: a gold label, which outranks what was and will be mined."""
    name = correction.finding_named(said.finding)
    if [said.study_instance_uid, said.accession_number, said.report_id].count(None) != 2:
        raise HTTPException(422, "Give one of study_instance_uid, accession_number and report_id.")
    with node.database.write() as connection:
        corrections.hold(connection)  # of two people at once, the second is told
        targets = _targets(connection, said)
        new = [each for each in targets if not each.says(name, said.assertion, by=caller.name)]
        _require_unchanged(new, name, said.seen)
        correction.require_possible(new, name, said.assertion)
        correction.write(
            connection,
            new,
            finding=name,
            assertion=said.assertion,
            actor=caller.name,
            reason=said.reason,
            now=node.now(),
        )
    return [each.corrected(name, said.assertion) for each in targets]


@router.post("/labels/corrections/{gold_id}/undo", status_code=204)
def undo(node: Node, caller: Labeller, gold_id: RowId) -> None:
    """Take a person's label back: what was said before it, or mined, holds again."""
    with node.database.write() as connection:
        corrections.hold(connection)
        taken = corrections.take_back(connection, gold_id, actor=caller.name, now=node.now())
    if not taken:
        raise HTTPException(409, "No label in force has this number; somebody may have taken it back before.")


def _names(findings: str) -> tuple[str, ...]:
    return tallies.FOURTEEN if findings == "14" else tallies.EIGHT


def _wanted(accession: str | None, finding: str | None, assertion: Assertion | None) -> Wanted:
    """The reports whose labels are looked at: those with the label, where an index has it, and else all."""
    if finding is None or assertion not in STATES or (finding, assertion) == (NORMAL, Assertion.NEGATIVE):
        return Wanted(accession_number=accession)
    return Wanted(accession_number=accession, finding=finding, assertion=assertion)


def _lines(connection: Connection, found: tuple[FoundReport, ...]) -> Iterator[LabelLine]:
    held = {each.report_id: each for each in labels.of_versions(connection, [each.report_id for each in found])}
    return listing.of_reports(connection, [held[each.report_id] for each in found if each.report_id in held])


def _targets(connection: Connection, said: Correction) -> list[Target]:
    if said.study_instance_uid is not None:
        return correction.of_study(connection, said.study_instance_uid)
    if said.report_id is not None:
        return correction.of_report(connection, said.report_id)
    return correction.of_accession(connection, said.accession_number or "")


def _require_unchanged(targets: list[Target], finding: str, seen: str | None) -> None:
    if seen is None:
        return
    try:
        for each in targets:
            correction.require_unchanged(each, finding, seen)
    except SettingsError as error:
        raise HTTPException(409, sentence(error)) from error


def _masked(node: Basis, lines: list[LabelLine]) -> list[LabelLine]:
    return [replace(line, accession_number=node.mask.value(line.accession_number)) for line in lines]
