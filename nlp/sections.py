"""A report's sections, in the shapes that reports have: headings on lines of their own, within a line, or none."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class SectionName(StrEnum):
    """The sections of a report (Wang et al. 2017, section 2.1), and the text under no known heading."""

    FINDINGS = "findings"
    IMPRESSION = "impression"
    INDICATION = "indication"
    COMPARISON = "comparison"
    TECHNIQUE = "technique"
    OTHER = "other"
    BODY = "body"


MINED = (SectionName.FINDINGS, SectionName.IMPRESSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Some text of a report under one heading; `start` is its first character's place in the report."""

    name: SectionName
    text: str
    start: int = 0


class SectionReader:
    """Parts reports at the headings of the lexicon."""

    def __init__(self, headings: Mapping[str, SectionName]) -> None:
        self._headings = headings
        self._pattern = _pattern(headings)

    def read(self, text: str) -> tuple[Section, ...]:
        """Part a report's text at its headings; what stands before the first is the body."""
        sections = []
        name, begin = SectionName.BODY, 0
        for match in self._pattern.finditer(text):
            sections.append(Section(name=name, text=text[begin : match.start()], start=begin))
            words = (match.group("heading") or match.group("within")).lower().split()
            name, begin = self._headings[" ".join(words)], match.end()
        sections.append(Section(name=name, text=text[begin:], start=begin))
        return tuple(section for section in sections if section.text.strip())


def to_mine(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Findings and impression; in a report with neither, what has no heading; in one all headings, everything.

    Source: Wang et al. 2017, section 2.1, with the indication left out where that is possible.
    """
    for names in (MINED, (SectionName.BODY,)):
        chosen = tuple(section for section in sections if section.name in names and section.text.strip())
        if chosen:
            return chosen
    return tuple(section for section in sections if section.text.strip())


def _pattern(headings: Iterable[str]) -> re.Pattern[str]:
    """A heading opens a line or follows a full stop, and a colon or the line's end follows it.

    Within a line only a capital opens a heading: `Findings: ...`, not `these findings: ...`.
    """
    names = "|".join(r"\s+".join(map(re.escape, name.split())) for name in sorted(headings, key=len, reverse=True))
    line = rf"(?:^|\n)[ \t>*#_-]*(?P<heading>(?i:{names}))[ \t*_]*(?::|-{{1,2}}\s|(?=\r?\n|$))"
    inside = rf"(?<=[.;:!?\s])(?P<within>(?=[A-Z])(?i:{names}))\s*:"
    return re.compile(f"{line}|{inside}")
