"""One study as a whole, on both databases."""

from datetime import timedelta

import pytest

from db import audit, deliveries, dossier, jobs, linking, reports, results, studies
from db.deliveries import AsSent
from db.dossier import READ_AGAIN, RETRACT, Dossier
from db.engine import Connection, Database
from db.records import JobKind, StudyState
from db.report_records import MessageArrival, ReportArrival, ReportStatus
from db.result_records import DeliveryState
from tests.db.rows import NOW, add_job, add_result, add_study, arrival, later, prediction


def message(number: int, status: ReportStatus, *, key: str = "F1", accession: str = "A1") -> MessageArrival:
    """A message with a version of a report."""
    version = ReportArrival(
        source="H",
        report_key=key,
        modality="DX",
        procedure="XR Chest",
        accession_number=accession,
        study_instance_uid=None,
        patient_id="P1",
        status=status,
        version_at=later(number),
        message_at=later(number),
        text=f"Text {number}.",
        sections=(),
    )
    return MessageArrival(
        sending_application="RIS",
        sending_facility="H",
        control_id=str(number),
        message_type="ORU^R01",
        version="2.5.1",
        raw=b"",
        sha256=f"{number:064x}",
        peer_address="127.0.0.1",
        answer="AA",
        received_at=later(number),
        reports=(version,),
    )


@pytest.fixture
def filled(database: Database) -> Database:
    """A study that was read twice, beside another one."""
    with database.write() as connection:
        study_id = add_study(connection)
        another = arrival(7, study_instance_uid="2.25.7", accession_number="A7")
        studies.record_arrival(connection, another, settle_at=NOW)
        other = studies.under(connection, "A7")[0].id
        studies.record_arrival(connection, arrival(2), settle_at=NOW)
        job_id, second = add_job(connection, study_id), add_job(connection, study_id, revision=2)
        elsewhere = add_job(connection, other)
        add_job(connection, other, kind=JobKind.MINE)  # of the report whose number is the study's
        add_job(connection, study_id, kind=JobKind.DELIVER, revision=2, destination="pacs")
        first = add_result(connection, study_id, job_id, 1)
        add_result(connection, study_id, second, 2, revision=2, model_version="m2")
        add_result(connection, other, elsewhere, 3)
        deliveries.add(connection, [first], "ward", DeliveryState.WITHHELD)
        deliveries.add(connection, [first, first + 1], "pacs")
        one, _ = studies.instances(connection, study_id)
        for number, version in enumerate(("m1", "m2", "unheard")):
            results.add_prediction(connection, prediction(one.id, version), later(number))
        for number, status in enumerate((ReportStatus.FINAL, ReportStatus.PRELIMINARY), 1):
            reports.record(connection, message(3 - number, status))
        reports.record(connection, message(9, ReportStatus.FINAL, key="F9", accession="A9"))
        linking.link_studies(connection, [study_id], NOW)
    return database


def found(database: Database, uid: str = "2.25.1") -> Dossier:
    """The study, which must be there."""
    with database.read() as connection:
        of = dossier.of_study(connection, uid)
    assert of is not None
    return of


def test_all_of_a_study_and_nothing_of_another(filled: Database):
    """Its images, jobs, results, deliveries and the versions of its reports, each in order."""
    of = found(filled)

    assert (of.study.study_instance_uid, len(of.instances)) == ("2.25.1", 2)
    assert [(each.kind, each.revision) for each in of.jobs] == [("read", 1), ("read", 2), ("deliver", 2)]
    assert [each.sop_instance_uid for each in of.results] == ["2.25.5001", "2.25.5002"]
    assert [each.destination for each in of.deliveries] == ["pacs", "ward", "pacs"]
    assert of.destinations == ("pacs", "ward")
    assert [(each.status, each.characters, each.holds) for each in of.reports] == [
        ("preliminary", 7, False),
        ("final", 7, True),
    ]


def test_an_unknown_study_is_none(database: Database):
    """Whatever it is called."""
    with database.read() as connection:
        assert dossier.of_study(connection, "1.2.3") is None
        assert dossier.image(connection, "1.2.3", 1) is None
        assert dossier.result_under(connection, "1.2.3", 1) is None


def test_who_read_it_unheard_is_known(filled: Database):
    """A version of which no result was built."""
    assert [(each.model_version, each.heard) for each in found(filled).scores] == [
        ("m1", True),
        ("m2", True),
        ("unheard", False),
    ]


def test_what_is_sent_is_the_newest_that_stands(filled: Database):
    """Not what was withheld, and not what was taken back."""
    of = found(filled)

    assert (of.sending("pacs"), of.sending("ward"), of.sending("elsewhere")) == (of.jobs[2], None, None)
    assert [each.revision for each in of.standing] == [1, 2]


def test_parts_are_had_by_their_numbers_of_their_study_alone(filled: Database):
    """A number of another study's is not found."""
    of, other = found(filled), found(filled, "2.25.7")
    with filled.read() as connection:
        mine = dossier.image(connection, "2.25.1", of.instances[1].id)
        not_mine = dossier.image(connection, "2.25.1", other.instances[0].id)
        result = dossier.result_under(connection, "2.25.1", of.results[0].id)
        not_result = dossier.result_under(connection, "2.25.1", other.results[0].id)
        report = dossier.report_version(connection, of.study.id, of.reports[1].id)
        not_report = dossier.report_version(connection, other.study.id, of.reports[1].id)

    assert (mine, result) == (of.instances[1], of.results[0])
    assert report is not None
    assert report.text == "Text 2."
    assert [not_mine, not_result, not_report] == [None, None, None]


def test_acts_are_told_from_looks(filled: Database):
    """What people did to the study, in order; of looks there are many."""
    with filled.write() as connection:
        for action in ("study.view", RETRACT, "study.view", READ_AGAIN):
            audit.append(connection, actor="anna", action=action, subject="2.25.1", now=NOW)
        audit.append(connection, actor="anna", action=RETRACT, subject="2.25.7", now=NOW)

    assert [each.action for each in found(filled).acts] == [RETRACT, READ_AGAIN]


def test_acts_are_found_by_an_index(filled: Database):
    """Each look at a patient's data is an entry: the log is never read through."""
    query = "SELECT id FROM audit WHERE subject = '2.25.1' AND action IN ('a', 'b') ORDER BY id"
    with filled.write() as connection:
        if filled.engine.dialect.name == "postgresql":
            for way in ("seqscan", "sort"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
            plan = connection.exec_driver_sql(f"EXPLAIN {query}").all()
        else:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()

    assert "ix_audit_subject_id" in str(plan)


def test_sent_again_is_all_but_what_was_kept_back(filled: Database):
    """An answer to an earlier question does not count for it."""
    of = found(filled)
    first, second = (each for each in of.deliveries if each.destination == "pacs")
    form = AsSent(sop_class_uid="1", sop_instance_uid="2", transfer_syntax_uid="3", sha256="4")
    with filled.write() as connection:
        deliveries.sent(connection, first.id, form, NOW)
        deliveries.ask(connection, [first.id], "2.25.99", NOW)
        deliveries.answered(connection, "2.25.99", {}, NOW)
        again = deliveries.send_again(connection, [each.id for each in of.deliveries])
        late = deliveries.answered(connection, "2.25.99", {}, NOW)

    assert (again, late) == (1, set())
    assert [each.state for each in found(filled).deliveries] == ["waiting", "withheld", "waiting"]
    assert second.state is DeliveryState.WAITING
    assert found(filled).deliveries[0].sent_at == NOW


def test_the_present_reading_is_that_of_the_revision(filled: Database):
    """None while the study has not settled since."""
    with filled.write() as connection:
        of = dossier.of_study(connection, "2.25.1")
        assert of is not None
        assert of.reading is None
        assert studies.begin_revision(connection, of.study) == 1
        assert found_again(connection).reading == of.jobs[0]
        assert found_again(connection).study.state is StudyState.QUEUED
        assert jobs.find(connection, JobKind.READ, of.study.id, 1) == of.jobs[0]
        assert of.study.last_received_at - NOW < timedelta(seconds=1)


def found_again(connection: Connection) -> Dossier:
    """The study in a transaction."""
    of = dossier.of_study(connection, "2.25.1")
    assert of is not None
    return of
