"""Whose data an entry of the audit log is about; on both databases."""

from db.engine import Database
from db.whose import Whose, whose
from tests.db.label_rows import add_report
from tests.db.rows import add_job, add_result, add_study

IMAGE, RESULT = "2.25.1.9", "2.25.5001"


def test_a_patient_is_found_by_study_object_and_report(database: Database):
    """By what the audit log calls them; a subject of nobody, and one that is none, are nobody's."""
    with database.write() as connection:
        study_id = add_study(connection)
        add_result(connection, study_id, add_job(connection, study_id))
        report_id = add_report(connection, "R1", patient_id="P9", study_instance_uid="2.25.1")
        found = {
            subject: whose(connection, subject)
            for subject in (
                "2.25.1",
                IMAGE,
                RESULT,
                f"study {study_id}",
                f"report {report_id}",
                "2.25.404",
                "report 99",
            )
        }
        others = [whose(connection, each) for each in ("", "list", "report x", "9" * 65, "report 9" + "9" * 30, "1'--")]

    of_study = Whose(patient_id="P1", study_instance_uid="2.25.1")
    assert found == {
        "2.25.1": of_study,
        IMAGE: of_study,
        RESULT: of_study,
        f"study {study_id}": of_study,
        f"report {report_id}": Whose(patient_id="P9", study_instance_uid="2.25.1"),
        "2.25.404": None,
        "report 99": None,
    }
    assert others == [None] * 6
