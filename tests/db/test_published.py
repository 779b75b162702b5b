"""Published labels are labels in force, and no miner ever reads them, on both databases."""

import hashlib
from datetime import timedelta

from db import labels, minings, published
from db.engine import Connection, Database
from db.learning_records import PublishedLabels
from db.minings import PUBLISHED
from db.report_records import OLDEST, MessageArrival, MinerIdentity, ReportArrival, ReportStatus
from db.vocabulary import Assertion
from tests.db.label_rows import say
from tests.db.rows import NOW, add_study

MINER = MinerIdentity(lexicon_version="1", rules_version="1", language_model="m", policy="coded")


def published_labels(
    uid: str = "2.25.1", findings: tuple[str, ...] = ("Effusion",), **values: object
) -> PublishedLabels:
    """The labels of the image of a study."""
    text = "|".join(findings) or "No Finding"
    raw = f"{uid} {text}".encode()
    report = ReportArrival(
        source="NIH",
        report_key=uid,
        accession_number="",
        study_instance_uid=uid,
        patient_id="",
        modality="DX",
        procedure="CHEST PA",
        status=ReportStatus.FINAL,
        version_at=OLDEST,
        message_at=OLDEST,
        text=text,
        sections=(),
    )
    message = MessageArrival(
        sending_application="cxr import nih",
        sending_facility="NIH",
        control_id=uid,
        message_type="NIH",
        version="",
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        peer_address="",
        answer="",
        received_at=NOW,
        reports=(report,),
    )
    usual = {"message": message, "findings": findings, "unknown": (), "normal": not findings}
    return PublishedLabels(**usual | values)


def states(connection: Connection) -> dict[str, str]:
    """The states in force of the only study."""
    (found,) = labels.of_studies(connection)
    return dict(found.states)


def test_published_labels_are_those_of_the_study(database: Database):
    """What was published of an image is in force at once; what was not is uncertain, and a second import is none."""
    with database.write() as connection:
        add_study(connection)
        one = published_labels(findings=("Effusion", "Mass"), unknown=("Hernia",))

        first = published.record_all(connection, [one], NOW)
        again = published.record_all(connection, [one], NOW)

        assert (first.new, first.known, again.new, again.known) == (1, 0, 0, 1)
        assert states(connection) == {"Effusion": "positive", "Mass": "positive", "Hernia": "uncertain"}


def test_no_miner_reads_published_labels(database: Database):
    """They are no backlog for any miner, and what they say stays in force."""
    with database.write() as connection:
        add_study(connection)
        published.record_all(connection, [published_labels()], NOW)

        assert minings.unmined(connection, MINER) == []
        assert minings.unmined_count(connection, MINER) == 0
        assert minings.counts(connection) == {published.READABLE: 1}
        (report,) = labels.of_reports(connection)
        assert report.mining is not None
        assert report.mining.miner == PUBLISHED


def test_a_person_outranks_what_was_published(database: Database):
    """Gold of the study replaces the published label of that finding."""
    with database.write() as connection:
        study_id = add_study(connection)
        published.record_all(connection, [published_labels()], NOW)

        say(connection, "Effusion", Assertion.NEGATIVE, study_id=study_id)

        assert states(connection) == {"Effusion": "negative"}


def test_labels_published_anew_hold(database: Database):
    """Of a revised table the last import holds."""
    with database.write() as connection:
        add_study(connection)
        published.record_all(connection, [published_labels()], NOW)

        published.record_all(connection, [published_labels(findings=())], NOW + timedelta(days=1))

        (found,) = labels.of_studies(connection)
        assert (dict(found.states), found.normal) == ({}, True)
