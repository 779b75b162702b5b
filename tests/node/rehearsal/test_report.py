"""A synthetic study's report says what was drawn, and the node understands it."""

from datetime import UTC, datetime

import pytest

from db.examination import examination
from db.report_records import ReportArrival, ReportStatus, ReportText
from db.vocabulary import Examination
from nlp import miner as miners
from nlp.aggregate import Policy
from nlp.workers import mine_share
from node.hl7 import message as hl7
from node.hl7 import report
from node.rehearsal.department import SyntheticStudy, studies
from node.rehearsal.message import READ_AFTER, oru
from node.rehearsal.signs import FINDINGS
from node.rehearsal.wording import worded

HISTORY = list(studies(120))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def arrived(study: SyntheticStudy) -> ReportArrival:
    """The report as the node's listener has it."""
    (found,) = report.reports(hl7.parse(oru(study)), ("OBR-3",), NOW)
    return found


def test_message_links_to_its_study() -> None:
    """By UID, accession number and patient, as a final report of a chest radiograph."""
    study = HISTORY[0]

    found = arrived(study)

    assert (found.study_instance_uid, found.accession_number, found.patient_id) == (
        study.study_instance_uid,
        study.accession_number,
        study.patient.patient_id,
    )
    assert found.status is ReportStatus.FINAL
    assert examination(found.modality, found.procedure) is Examination.CHEST_RADIOGRAPH
    assert found.version_at == study.taken_at.replace(microsecond=0) + READ_AFTER
    assert [section.suffix for section in found.sections] == ["GDT", "IMP"]


def test_signed_at_another_time() -> None:
    """A report that is signed now says so."""
    (found,) = report.reports(hl7.parse(oru(HISTORY[0], signed_at=NOW)), ("OBR-3",), NOW)

    assert found.version_at == NOW


def test_same_study_has_the_same_report() -> None:
    """Words are chosen by the study's own numbers."""
    assert [worded(each) for each in studies(120)] == [worded(each) for each in HISTORY]


def test_miner_finds_what_was_drawn() -> None:
    """Every finding drawn is positive, every one hedged uncertain, and nothing else is either."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    arrivals = [arrived(each) for each in HISTORY]
    texts = [ReportText(id=n, text=each.text, sections=each.sections) for n, each in enumerate(arrivals)]

    mined = mine_share(miners.load(), texts, Policy.CODED)

    for study, found in zip(HISTORY, mined, strict=True):
        states = {label.finding: str(label.assertion) for label in found.labels if label.finding in FINDINGS}
        unsure = worded(study).unsure
        assert {name for name, state in states.items() if state == "positive"} == study.findings - unsure
        assert {name for name, state in states.items() if state == "uncertain"} == unsure
