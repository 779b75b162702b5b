"""The sections of a report that came in observations: by their suffixes, and by the headings within them.

An HL7 sender may put a suffix after each observation's identifier (HL7 v2.5.1 §7.2.4): GDT for the report's text, IMP
for the impression, ADT for an addendum. A run is the text of the observations with one suffix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from db.report_records import ReportSection
from nlp.sections import MINED, Section, SectionName, SectionReader

_NAMES = {"GDT": SectionName.FINDINGS, "IMP": SectionName.IMPRESSION, "ADT": SectionName.IMPRESSION}


def read(text: str, runs: Sequence[ReportSection], reader: SectionReader) -> tuple[Section, ...]:
    """Part a report's text at its runs and at its headings; all that no run covers is left out.

    A heading says more than a suffix: GDT runs often hold a whole report. Beside runs that have a suffix one without is
    the findings; what has an unknown suffix is mined only where there is nothing else.
    """
    if not any(run.suffix for run in runs):
        return reader.read(text)
    return tuple(section for run in runs for section in _of_run(text, run, reader))


def _of_run(text: str, run: ReportSection, reader: SectionReader) -> Iterator[Section]:
    name = _NAMES.get(run.suffix, SectionName.OTHER if run.suffix else SectionName.FINDINGS)
    parts = reader.read(text[run.start : run.end])
    told = any(part.name in MINED for part in parts)
    for part in parts:
        plain = part.name is SectionName.BODY and not told
        yield replace(part, name=name if plain else part.name, start=run.start + part.start)
