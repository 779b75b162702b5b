"""Plain text reports."""

from pathlib import Path

from db.report_records import ReportStatus
from node.history.plain import OLDEST
from tests.node.history.readers import arrivals, only


def write(tmp_path: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    """A text file."""
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


def test_the_name_is_the_accession_number(tmp_path: Path) -> None:
    """Without its suffix, dots and all."""
    report = only(write(tmp_path, "12.345.txt", "Clear lungs.\r\nNo effusion.\r\n"))

    assert (report.accession_number, report.report_key) == ("12.345", "12.345")
    assert report.text == "Clear lungs.\nNo effusion."
    assert report.version_at == OLDEST
    assert report.status is ReportStatus.UNKNOWN


def test_heading_lines_say_more_than_the_name(tmp_path: Path) -> None:
    """They are taken out of the text; lines of another kind stay."""
    report = only(
        write(
            tmp_path,
            "export7.txt",
            "ST. ELSEWHERE\nAccession Number: A1\nMRN: P1\nRead by: somebody\nStatus: final\n"
            "Time: 2026-03-01 12:00Z\n\n"
            "FINDINGS: Clear.\nStatus: unchanged\n",
        )
    )

    assert (report.accession_number, report.patient_id, report.status) == ("A1", "P1", ReportStatus.FINAL)
    assert report.version_at.isoformat() == "2026-03-01T12:00:00+00:00"
    assert report.text == "ST. ELSEWHERE\nRead by: somebody\n\nFINDINGS: Clear.\nStatus: unchanged"


def test_a_line_that_only_looks_like_a_heading_line_stays(tmp_path: Path) -> None:
    """Of what it says nothing is lost."""
    report = only(write(tmp_path, "A1.txt", "Status: post lobectomy\nTime: this morning\nClear.\n"))

    assert report.text == "Status: post lobectomy\nTime: this morning\nClear."


def test_text_that_is_no_utf_8_is_windows_1252(tmp_path: Path) -> None:
    """Unless somebody says otherwise."""
    assert only(write(tmp_path, "A1.txt", "Erguß, links", "cp1252")).text == "Erguß, links"
    assert only(write(tmp_path, "A2.txt", "Erguß", "cp850"), encoding="cp850").text == "Erguß"


def test_a_text_is_known_by_its_bytes(tmp_path: Path) -> None:
    """Mended under the same name it is another version of the same report."""
    first, second = (arrivals(write(tmp_path, "A1.txt", text))[0] for text in ("Clear.", "Not clear."))

    assert first.sha256 != second.sha256
    assert first.reports[0].report_key == second.reports[0].report_key
