"""Reports by HTTP: to look for them, and one with what mining and people say of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import Field

from db import links, report_search, reports
from db.gold import Gold
from db.report_records import Mining, Report, ReportLink, ReportStatus
from db.report_search import FoundReport
from db.vocabulary import Assertion
from node.console.api.basis import Basis, Node, RowId, Uid
from node.console.api.caller import Reader
from node.console.api.page import After, Asked, Limit, Page, begun, cut
from node.console.api.studies import known
from node.console.masking import Named
from node.console.report_search import FIELDS, place, wanted_of, written
from node.console.reports import Stored, stored_report
from node.study.wanted import without_patients

router = APIRouter(tags=["reports"])

Value = Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")]


class ReportsAsked(Asked):
    """The filters of the console's page, which narrow down together."""

    accession: Annotated[Value, Field(description="Its accession number.")] = None
    patient: Annotated[Value, Field(description="Its patient id.")] = None
    finding: Annotated[Value, Field(description="What it says something of: a finding, or Normal.")] = None
    state: Annotated[
        Assertion | None, Field(description="What it says of the finding; positive if nothing is given.")
    ] = None
    since: Annotated[Value, Field(description="Of this day or later: 2026-03-14.")] = None
    until: Annotated[Value, Field(description="Of this day or before.")] = None
    words: Annotated[Value, Field(description="Words that all stand in its text, with blanks between.")] = None
    after: Annotated[Value, Field(description="`next` of the page before.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a report, by which number it is asked for."""

    id: int
    status: ReportStatus
    version_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is in force of a finding. `basis` is the row that says so; a correction gives it back as `seen`."""

    finding: str
    assertion: Assertion
    basis: str
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeReport:
    """A version of a report. `mining` has each mention with its place in the text and the rule that decided it.

    `labels` are those in force, none where the version does not hold; `history` is all that people ever said.
    """

    report: Report
    holds: bool
    versions: list[Version]
    study_instance_uids: list[str]
    mining: Mining | None
    labels: list[Label]
    history: list[Gold]


@router.get("/reports")
def search_reports(node: Node, caller: Reader, asked: Annotated[ReportsAsked, Query()]) -> Page[FoundReport]:
    """The reports in the versions that hold, the latest first by their own times, without their texts."""
    wanted = wanted_of(dict.fromkeys(FIELDS, "") | asked.given, node.settings.console.time_zone)
    after = begun(asked.after, place)
    with node.database.read() as connection:
        found = report_search.find(connection, wanted, after=after, limit=asked.limit)
    caller.saw("reports.view", "list", **without_patients(asked.given))
    return Page(
        items=[
            replace(
                each,
                accession_number=node.mask.value(each.accession_number),
                patient_id=node.mask.value(each.patient_id),
            )
            for each in found.reports
        ],
        next=None if found.further is None else written(found.further),
    )


@router.get("/reports/unlinked")
def unlinked_reports(node: Node, caller: Reader, limit: Limit = 50, after: After = None) -> Page[ReportLink]:
    """The reports that belong to no study here, the last received first, and why each does not."""
    with node.database.read() as connection:
        found = links.listed(connection, unlinked_only=True, before=after, limit=limit + 1)
    caller.saw("reports.view", "list", unlinked=True)
    return cut([_nameless(node, each) for each in found], limit, lambda each: each.report_id)


@router.get("/reports/{report_id}")
def one_report(node: Node, caller: Reader, report_id: RowId) -> WholeReport:
    """A report with its mentions, the labels in force, and what people said; places are those of the text received."""
    with node.database.read() as connection:
        stored = stored_report(connection, report_id)
    if stored is None:
        raise HTTPException(404, "The node has no such report.")
    caller.saw("report.view", f"report {report_id}")
    return _whole(node, stored)


@router.get("/studies/{study_instance_uid}/reports")
def reports_of_study(node: Node, caller: Reader, study_instance_uid: Uid) -> list[Report]:
    """The reports of a study with their texts, each in the version that holds now."""
    with node.database.read() as connection:
        study = known(connection, study_instance_uid)
        found = reports.of_study(connection, study.id)
    caller.saw("study.view", study_instance_uid, part="reports")
    return [_shown(node, each, study) for each in found]


def _whole(node: Basis, stored: Stored) -> WholeReport:
    named, mining = stored.named, stored.mining
    return WholeReport(
        report=_shown(node, stored.report, named),
        holds=stored.holds,
        versions=[
            Version(id=each.id, status=each.status, version_at=each.version_at, received_at=each.received_at)
            for each in stored.versions
        ],
        study_instance_uids=[each.study_instance_uid for each in stored.studies],
        mining=mining and _mined(node, mining, named),
        labels=[
            Label(
                finding=each.finding,
                assertion=each.assertion,
                basis=each.basis,
                by=each.said.actor if each.said else None,
            )
            for each in stored.labels
        ],
        history=[replace(each, reason=node.mask.text(each.reason, named)) for each in stored.history],
    )


def _mined(node: Basis, mining: Mining, named: Named) -> Mining:
    mentions = (replace(each, sentence=node.mask.text(each.sentence, named)) for each in mining.mentions)
    return replace(mining, mentions=tuple(mentions))


def _shown(node: Basis, report: Report, named: Named) -> Report:
    return replace(
        report,
        patient_id=node.mask.value(report.patient_id),
        accession_number=node.mask.value(report.accession_number),
        report_key=node.mask.value(report.report_key),
        text=node.mask.text(report.text, named),
    )


def _nameless(node: Basis, link: ReportLink) -> ReportLink:
    return replace(
        link,
        accession_number=node.mask.value(link.accession_number),
        report_key=node.mask.value(link.report_key),
    )
