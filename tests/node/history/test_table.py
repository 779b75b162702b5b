"""CSV files of reports."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.report_records import ReportStatus
from node.history.plain import OLDEST
from tests.node.history.readers import arrivals, entries, only, refusals

BROKEN = "a row that is no CSV: a quote that does not close, or too long"


def write(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "reports.csv") -> Path:
    """A CSV file."""
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


def test_every_column_is_taken(tmp_path: Path) -> None:
    """Under the names that systems give them, in any case."""
    report = only(
        write(
            tmp_path,
            "Accession Number,StudyInstanceUID,PATIENT_ID,Procedure,Modality,Status,Report Time,Findings,IMPRESSION,x\n"
            "A1,1.2.840.1,P1,XR Chest,DX,F,2026-03-01T12:00:00+01:00,Clear lungs.,Normal.,7\n",
        )
    )

    assert (report.accession_number, report.study_instance_uid, report.patient_id) == ("A1", "1.2.840.1", "P1")
    assert (report.procedure, report.modality, report.status) == ("XR Chest", "DX", ReportStatus.FINAL)
    assert report.version_at == report.message_at == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert report.report_key == "A1"


def test_columns_are_the_sections_of_the_report(tmp_path: Path) -> None:
    """Findings and impression by their suffix and without a heading; the others are read by theirs."""
    report = only(write(tmp_path, 'uid,impression,findings,indication\n1,Normal.,"Clear.\r\nNo effusion.",Cough\n'))

    parts = [(section.suffix, report.text[section.start : section.end]) for section in report.sections]
    assert parts == [("", "INDICATION: Cough"), ("GDT", "Clear.\nNo effusion."), ("IMP", "Normal.")]
    assert report.text == "INDICATION: Cough\n\nFINDINGS: Clear.\nNo effusion.\n\nIMPRESSION: Normal."


def test_a_whole_report_is_kept_as_it_is(tmp_path: Path) -> None:
    """Its own headings part it when it is mined."""
    report = only(write(tmp_path, 'uid,text\n1,"FINDINGS: Clear.\nIMPRESSION: Normal."\n'))

    assert report.text == "FINDINGS: Clear.\nIMPRESSION: Normal."
    assert [(section.suffix, section.start, section.end) for section in report.sections] == [("", 0, 36)]


def test_a_row_without_a_time_is_the_oldest(tmp_path: Path) -> None:
    """No guess may outrank a version whose time is known."""
    assert only(write(tmp_path, "uid,text,time\n1,Clear.,\n")).version_at == OLDEST


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_columns_may_be_parted_otherwise(separator: str, tmp_path: Path) -> None:
    """As systems export them."""
    text = "uid,accession,text\n1,A1,Clear lungs.\n".replace(",", separator)

    assert only(write(tmp_path, text, name="reports.dat")).accession_number == "A1"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("accession,words\nA1,Clear.\n", "findings, impression or text (at least one)"),
        ("id,findings\n1,Clear.\n", "accession, uid or study_instance_uid (at least one)"),
        ("A1,Clear.\n", "(at least one) and accession"),
    ],
)
def test_missing_columns_are_named(text: str, missing: str, tmp_path: Path) -> None:
    """In one sentence for the file."""
    (refusal,) = refusals(write(tmp_path, text))

    assert missing in refusal


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",,Clear.,", "no accession number, uid or study_instance_uid"),
        ("A1,x.y,Clear.,", "study_instance_uid is not a UID"),
        ("A1,,Clear.,yesterday", "the time is not one like 2026-03-01 12:00 or 202603011200"),
        ("A1,,Clear.,03/04/2020", "the time is not one like 2026-03-01 12:00 or 202603011200"),
        (f"{'A' * 201},,Clear.,", "an identifier of more than 200 characters"),
        ("A1,,Clear.", "not as many columns as the first line"),
        ("A1,,Clear, lungs.,", "not as many columns as the first line"),
        ('A1,,"Clear,', BROKEN),
        ('A1,,"Clear" lungs,', BROKEN),
    ],
)
def test_a_row_that_cannot_be_taken_leaves_the_others(row: str, reason: str, tmp_path: Path) -> None:
    """It is named by its line."""
    file = write(tmp_path, f'accession,study_uid,text,time\nA8,,"Two\nlines.",\n{row}\nA9,,"Clear, both.",\n')

    found = entries(file)

    assert [entry.refusal for entry in found] == [None, reason, None]
    assert [entry.place for entry in found] == [f"{file} line {number}" for number in (2, 4, 5)]
    assert found[2].arrival
    assert found[2].arrival.reports[0].text == "Clear, both."


def test_a_quote_that_closes_by_accident_loses_no_row(tmp_path: Path) -> None:
    """The lines that it swallowed are read again."""
    file = write(tmp_path, 'uid,text\n1,"Clear.\n2,"",x\n3,Clear.\n')

    found = entries(file)

    assert [entry.refusal for entry in found] == [BROKEN, "not as many columns as the first line", None]


def test_a_row_that_does_not_end_is_not_kept_in_memory(tmp_path: Path) -> None:
    """It is given up at the limit."""
    file = write(tmp_path, 'uid,text\n1,"' + "word\n" * 1000 + "2,Clear.\n")

    found = entries(file, max_bytes=500)

    assert found[0].refusal == BROKEN
    assert found[-1].arrival


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_common_encodings_are_told_apart(encoding: str, tmp_path: Path) -> None:
    """Nobody has to know what a file is in."""
    assert only(write(tmp_path, "uid;text\n1;Erguß, groß\n", encoding)).text == "Erguß, groß"


def test_lines_of_two_encodings_are_read_each_in_its_own(tmp_path: Path) -> None:
    """As files are that were put together."""
    file = tmp_path / "reports.csv"
    file.write_bytes("uid,text\n1,Erguß\n".encode() + "2,Erguß\n".encode("cp1252"))

    assert [arrival.reports[0].text for arrival in arrivals(file)] == ["Erguß", "Erguß"]


def test_an_encoding_that_was_given_is_kept_to(tmp_path: Path) -> None:
    """What is not in it is refused, not guessed at."""
    file = write(tmp_path, "uid,text\n1,胸水\n", "shift_jis")

    assert only(file, encoding="shift_jis").text == "胸水"
    assert refusals(file, encoding="utf-8") == ["not in the encoding that was given"]


def test_nul_and_other_controls_are_taken_out(tmp_path: Path) -> None:
    """No database refuses a report for them."""
    report = only(write(tmp_path, "uid,patient_id,text\n1,P\x0b1,Clear\x00 lungs.\n"))

    assert (report.text, report.patient_id) == ("Clear lungs.", "P 1")


def test_a_row_is_known_by_its_values(tmp_path: Path) -> None:
    """In another file with other headers and columns it is the same report; with another word it is not."""
    first = write(tmp_path, "accession,findings,note\nA1,Clear.,x\n", name="a.csv")
    second = write(tmp_path, "Findings;Accession\n Clear. ;A1\n", name="b.csv")
    third = write(tmp_path, "accession,findings\nA1,Not clear.\n", name="c.csv")

    a, b, c = (arrival.sha256 for arrival in arrivals(first, second, third))

    assert a == b
    assert a != c


@pytest.mark.parametrize(("uid", "expected"), [("1.2.840.113619.2.1", "1.2.840.113619.2.1"), ("12.3", None)])
def test_a_uid_that_is_one_is_the_study_s(uid: str, expected: str | None, tmp_path: Path) -> None:
    """A report's own number is not."""
    report = only(write(tmp_path, f"uid,text\n{uid},Clear.\n"))

    assert (report.study_instance_uid, report.report_key) == (expected, uid)


def test_a_long_report_is_taken(tmp_path: Path) -> None:
    """One of a megabyte."""
    assert len(only(write(tmp_path, f"uid,text\n1,{'Clear. ' * 150_000}\n")).text) == 150_000 * 7 - 1
