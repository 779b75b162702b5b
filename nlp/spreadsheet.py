"""Reports in a CSV file, a row each: the columns that mining reads."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nlp.errors import ReportFileError
from nlp.miner import Report
from nlp.sections import Section, SectionName, SectionReader

KEY = "uid"
TEXT = "text"
COLUMNS = (SectionName.FINDINGS, SectionName.IMPRESSION, SectionName.INDICATION, SectionName.COMPARISON)
_LONGEST_FIELD = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """A row: its key, the report, and all its columns."""

    uid: str
    report: Report
    columns: Mapping[str, str | None]


def read(path: Path, reader: SectionReader, needed: Sequence[str] = ()) -> Iterator[ReportRow]:
    """Read reports: columns `findings` and `impression`, or `text`, a whole report that is parted at its headings.

    Args:
        path: the file, with a first line that names the columns.
        reader: parts the whole reports.
        needed: further columns that must be there.

    Raises:
        ReportFileError: A needed column is not there; the sentence names it.
        OSError: The file cannot be read.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.DictReader(line.replace("\0", "") for line in file)
        _require(path, needed, rows.fieldnames or ())
        for row in rows:
            yield ReportRow(uid=(row.get(KEY) or "").strip(), report=_report(row, reader), columns=row)


def _require(path: Path, needed: Sequence[str], there: Sequence[str]) -> None:
    missing = [name for name in (KEY, *needed) if name not in there]
    if not {SectionName.FINDINGS, SectionName.IMPRESSION, TEXT}.intersection(there):
        missing.append("findings, impression or text")
    if missing:
        raise ReportFileError(f"{path.name} needs a first line with the columns {', '.join(missing)}")


def _report(row: Mapping[str, str | None], reader: SectionReader) -> Report:
    sections = [Section(name=name, text=text) for name in COLUMNS if (text := row.get(name))]
    if text := row.get(TEXT):
        sections += reader.read(text)
    return tuple(sections)
