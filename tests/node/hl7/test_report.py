"""The reports in a message."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.report_records import ReportArrival, ReportStatus
from node.hl7 import message
from node.hl7.errors import MalformedMessageError
from node.hl7.report import AccessionField, reports
from tests.node.hl7.mllp import oru

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MSH = "MSH|^~\\&|RIS|H|||20260301120000+0000||ORU^R01|M1|P|2.4\r"


def parse(text: str, accession_from: tuple[AccessionField, ...] = ("OBR-3", "ORC-3", "OBR-18")) -> list[ReportArrival]:
    """The reports of a message after its MSH."""
    return list(reports(message.parse((MSH + text).encode()), accession_from, NOON))


def test_a_whole_report() -> None:
    """What a usual message says."""
    (report,) = reports(message.parse(oru(text="Clear~lungs", status="P")), ("OBR-3",), NOON)

    assert report.report_key == "A1"
    assert report.accession_number == "A1"
    assert report.patient_id == "P1"
    assert report.status is ReportStatus.PRELIMINARY
    assert report.version_at == report.message_at == NOON
    assert report.text == "Clear\nlungs"
    assert [(section.suffix, section.start, section.end) for section in report.sections] == [("GDT", 0, 11)]


def test_sections_are_where_their_text_is() -> None:
    """Runs of one suffix are one section, in the order they came."""
    (report,) = parse(
        "OBR|1||A1\rOBX|1|ST|&GDT||FINDINGS:\rOBX|2|ST|&GDT||\rOBX|3|TX|X&GDT^XR||Clear.\rOBX|4|FT|&imp||None.\r"
        "OBX|5|TX|99||Signed.\rOBX|6|ST|&GDT||More.\r"
    )

    assert report.text == "FINDINGS:\n\nClear.\nNone.\nSigned.\nMore."
    sections = [(section.suffix, report.text[section.start : section.end]) for section in report.sections]
    assert sections == [("GDT", "FINDINGS:\n\nClear."), ("IMP", "None."), ("", "Signed."), ("GDT", "More.")]


def test_what_is_not_text_is_left_in_the_raw_message() -> None:
    """Pointers, pictures and coded values are no report text."""
    (report,) = parse("OBR|1||A1\rOBX|1|RP|1||path^UK\rOBX|2|ED|1||^^^Base64^AAAA\rOBX|3|TX|1||Clear.\rOBX|4|NM|1||7\r")

    assert report.text == "Clear."


def test_unescaped_component_delimiters_stay_in_text() -> None:
    """A sender that forgets to escape loses nothing."""
    (report,) = parse("OBR|1||A1\rOBX|1|TX|1||T2^FLAIR & DWI\r")

    assert report.text == "T2^FLAIR & DWI"


def test_controls_are_taken_out_of_text_and_identifiers() -> None:
    """No database refuses a report for a NUL byte in it."""
    (report,) = parse("PID|1||P\\X00\\1\rOBR|1||A\x001\rOBX|1|TX|1||Cl\x00ear\\X00\\ \\X0D0A\\lungs\x9b\r")

    assert report.text == "Clear \nlungs"
    assert "\x00" not in report.accession_number + report.patient_id


@pytest.mark.parametrize(
    ("accession_from", "expected"),
    [(("OBR-3", "ORC-3"), "F1"), (("ORC-3", "OBR-3"), "C1"), (("OBR-18",), "N1"), (("OBR-3", "OBR-18"), "F1")],
)
def test_accession_number_is_where_the_site_puts_it(accession_from: tuple[AccessionField, ...], expected: str) -> None:
    """The first of the named fields that is filled."""
    (report,) = parse("ORC|RE|P1|C1^SYS\rOBR|1|P1|F1^SYS|||||||||||||||N1^x\r", accession_from)

    assert report.accession_number == expected


def test_each_order_is_a_report() -> None:
    """Several orders in one message, each with its own text, status and time."""
    first, second = parse(
        "PID|1||P1\rORC|RE||A1\rOBR|1||A1|||||||||||||||||||20260301100000+0000|||F\rOBX|1|TX|1||One.\r"
        "ORC|RE||A2\rOBR|2||A2|||||||||||||||||||20260301110000+0000|||P\rOBX|1|TX|1||Two.\r"
    )

    assert [first.accession_number, first.text, first.status] == ["A1", "One.", ReportStatus.FINAL]
    assert [second.accession_number, second.text, second.status] == ["A2", "Two.", ReportStatus.PRELIMINARY]
    assert [first.version_at.hour, second.version_at.hour] == [10, 11]


def test_orders_of_one_number_are_one_report() -> None:
    """A report that is spread over two OBR is not stored twice."""
    (report,) = parse("OBR|1||A1\rOBX|1|TX|&GDT||One.\rOBR|2||A1\rOBX|1|TX|&IMP||Two.\r")

    assert report.text == "One.\nTwo."


def test_patients_of_one_message_are_kept_apart() -> None:
    """PATIENT_RESULT may repeat."""
    found = parse("PID|1||P1\rOBR|1||A1\rPID|2||P2\rOBR|1||A2\r")

    assert [report.patient_id for report in found] == ["P1", "P2"]


@pytest.mark.parametrize(
    ("pid", "expected"),
    [
        ("PID|1||E1^^^X^EPIC~M1^^^H^MR", "M1"),
        ("PID|1||E1^^^X^EPIC~M1", "E1"),
        ("PID|1|Old1|^^^H^MR", "Old1"),
        ("PID|1", ""),
    ],
)
def test_patient_id_is_the_record_number(pid: str, expected: str) -> None:
    """Of several identifiers the medical record number is the patient's in the PACS."""
    (report,) = parse(f"{pid}\rOBR|1||A1\r")

    assert report.patient_id == expected


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("ZDS|1.2.840.1^EPIC^APPLICATION^DICOM\r", "1.2.840.1"),
        ("OBX|2|HD|113014^DICOM Study^DCM||1.2.840.2^^ISO\r", "1.2.840.2"),
        ("OBX|2|ST|^Study Instance UID||1.2.840.3\r", "1.2.840.3"),
        ("ZDS|../../etc/passwd\r", None),
        (f"ZDS|1.{'2' * 64}\r", None),
        ("", None),
    ],
)
def test_study_instance_uid(end: str, expected: str | None) -> None:
    """Named by ZDS or by an observation; only if it is a UID, and then it is no line of the report."""
    (report,) = parse("OBR|1||A1\rOBX|1|TX|1||Clear.\r" + end)

    assert report.study_instance_uid == expected
    assert report.text == "Clear."


def test_one_study_named_once_is_the_study_of_every_order() -> None:
    """ZDS stands at the end of a message and speaks for all of it."""
    found = parse("OBR|1||A1\rOBR|2||A2\rZDS|1.2.3\r")

    assert [report.study_instance_uid for report in found] == ["1.2.3", "1.2.3"]


@pytest.mark.parametrize(
    ("obr_25", "obx_11", "status"),
    [
        ("F", "", ReportStatus.FINAL),
        ("", "P", ReportStatus.PRELIMINARY),
        ("Wet Read", "F", ReportStatus.PRELIMINARY),
        ("C", "F", ReportStatus.CORRECTED),
        ("A", "F", ReportStatus.ADDENDUM),
        ("X", "", ReportStatus.CANCELLED),
        ("??", "Final", ReportStatus.FINAL),
        ("", "", ReportStatus.UNKNOWN),
    ],
)
def test_status(obr_25: str, obx_11: str, status: ReportStatus) -> None:
    """OBR-25 speaks for the report, else the first OBX-11 that says something."""
    (report,) = parse(f"OBR|1||A1{'|' * 22}{obr_25}\rOBX|1|TX|1||Clear.||||||{obx_11}\r")

    assert report.status is status


def test_without_an_order_there_is_no_report() -> None:
    """A message of which nothing could be found again is not acknowledged."""
    with pytest.raises(MalformedMessageError):
        parse("PID|1||P1\rOBX|1|TX|1||Clear.\r")


def test_a_long_identifier_is_bounded() -> None:
    """No sender can fill an index."""
    (report,) = parse(f"OBR|1||{'A' * 100_000}\r")

    assert len(report.accession_number) == message.MAX_VALUE


def test_real_messages_have_their_links_and_text(shared_data: Path) -> None:
    """Every public sample is one report under an accession number; those with text keep all of its words."""
    for path in sorted((shared_data / "hl7_oru" / "messages").glob("*.hl7")):
        raw = path.read_bytes()
        (report,) = reports(message.parse(raw), ("OBR-3", "ORC-3", "OBR-18"), NOON)

        assert report.accession_number
        assert report.patient_id
        assert ("ZDS|" in raw.decode("latin-1")) == (report.study_instance_uid is not None)
        if "FINDINGS:" in raw.decode("latin-1"):
            assert "FINDINGS:" in report.text


@pytest.mark.parametrize(
    ("service", "procedure"),
    [
        ("71046^XR CHEST^C4", "XR CHEST"),
        ("71046^CHEST^C4", "CHEST [71046]"),
        ("X1^Radiology Event^L^^CHEST 1 VIEW XRAY", "Radiology Event [CHEST 1 VIEW XRAY]"),
        ("X1^Radiology Event^L^^XR SING VIEW", "Radiology Event"),
        ("36643-5", "36643-5"),
        ("", ""),
    ],
)
def test_procedure_is_what_says_most(service: str, procedure: str) -> None:
    """The text of OBR-4; where that does not say what examination it is, beside it the code or alternate that does."""
    (report,) = parse(f"OBR|1||A1|{service}\rOBX|1|TX|1||Clear.\r")

    assert report.procedure == procedure


def test_orders_of_one_number_have_all_their_procedures() -> None:
    """A report of a radiograph and a CT says so."""
    (report,) = parse(
        "OBR|1||A1|1^XR CHEST||||||||||||||||||||CR\rOBR|2||A1|2^CT CHEST||||||||||||||||||||CT\r"
        "OBR|3||A1|1^XR CHEST||||||||||||||||||||CR\rOBX|1|TX|1||Clear.\r"
    )

    assert (report.modality, report.procedure) == ("CR CT", "XR CHEST; CT CHEST")
