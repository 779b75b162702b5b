"""The columns of a CSV file and the heading lines of a plain text: what a report's parts are called."""

import csv
import re
from collections.abc import Sequence

KEYS = ("accession", "uid", "study_instance_uid")
PARTS = ("findings", "impression", "text")
_NAMES = {
    "accession": ("accession", "accession_number", "accession_no", "acc"),
    "uid": ("uid", "report_id", "report_uid"),
    "study_instance_uid": ("study_instance_uid", "study_uid"),
    "patient_id": ("patient_id", "mrn"),
    "procedure": ("procedure", "exam", "examination", "study_description", "procedure_description"),
    "modality": ("modality",),
    "status": ("status", "report_status"),
    "time": ("time", "report_time", "report_date_time", "report_date", "date_time"),
    "indication": ("indication",),
    "comparison": ("comparison",),
    "findings": ("findings",),
    "impression": ("impression",),
    "text": ("text", "report", "report_text"),
}
FIELDS = tuple(_NAMES)
_KNOWN = {re.sub("_", "", name): field for field, names in _NAMES.items() for name in names}


def field(name: str) -> str | None:
    """What a column or heading is: `Accession Number`, `ACCESSION_NUMBER` and `AccessionNumber` are the same."""
    return _KNOWN.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def header(line: str, separator: str) -> list[str | None]:
    """The fields of a first line, None for a column that is not looked at; of two of one name the first counts."""
    row = next(csv.reader([line], delimiter=separator), [])
    found: list[str | None] = []
    for name in row:
        known = field(name)
        found.append(None if known in found else known)
    return found


def delimiter(line: str) -> str:
    """What parts the columns of a first line: that of comma, semicolon, tab and bar which gives the most fields."""
    return max(",;\t|", key=lambda separator: sum(name is not None for name in header(line, separator)))


def missing(fields: Sequence[str | None]) -> str:
    """What a first line lacks, in words; empty if it has what a report needs."""
    lacks = []
    if not set(PARTS).intersection(fields):
        lacks.append(f"{_listed(PARTS)} (at least one)")
    if not set(KEYS).intersection(fields):
        lacks.append(f"{_listed(KEYS)} (at least one)")
    return " and ".join(lacks)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
