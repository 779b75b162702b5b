"""Patients without their names, where a site wants the console so: each value becomes its pseudonym."""

import re
from dataclasses import dataclass
from typing import Protocol

from training.pseudonym import Pseudonyms

GONE = "[patient]"
"""Stands in a text for what named the patient."""
_SHOWN = 8
_IDEOGRAPHS = "\u2e80"
"""From this character on a single one may be a name."""


class Named(Protocol):
    """A study, by what names its patient."""

    @property
    def patient_name(self) -> str:
        """As in the header (VR PN)."""

    @property
    def patient_id(self) -> str:
        """Of the hospital."""

    @property
    def accession_number(self) -> str:
        """Of the order."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Hides what names a patient. Without pseudonyms the site has not asked for that, and all is shown as it is."""

    pseudonyms: Pseudonyms | None

    @property
    def on(self) -> bool:
        """Whether patients are masked."""
        return self.pseudonyms is not None

    def value(self, value: str) -> str:
        """A name, an id, a birth date or an accession number; the same value has the same pseudonym on every page."""
        if self.pseudonyms is None or not value:
            return value
        return f"#{self.pseudonyms.of(value)[:_SHOWN]}"

    def text(self, text: str, study: Named) -> str:
        """A report without the names and numbers that its study has."""
        found = _naming(study)
        return text if self.pseudonyms is None or found is None else found.sub(GONE, text)


def person_name(value: str) -> str:
    """A name of the header as people write it: family, given names (DICOM PS3.5 6.2.1.1).

    Of several groups the first that says something: the Latin letters before the characters they stand for.
    """
    group = next((each for each in value.split("=") if each.strip("^ ")), "")
    family, *others = (part.strip() for part in group.split("^"))
    given = " ".join(part for part in others[:2] if part)
    return f"{family}, {given}" if family and given else family or given


def _naming(study: Named) -> re.Pattern[str] | None:
    """What finds the patient in a text: each part of the name, and both numbers."""
    parts = {*re.split(r"[\^=\s,]+", study.patient_name), study.patient_id.strip(), study.accession_number.strip()}
    words = sorted(
        (part for part in parts if len(part) > 1 or part >= _IDEOGRAPHS), key=lambda part: (-len(part), part)
    )
    if not words:
        return None
    return re.compile("|".join(map(_whole, words)), re.IGNORECASE)


def _whole(word: str) -> str:
    """Of Latin letters only a whole word; other scripts may write on without a blank."""
    escaped = re.escape(word)
    return rf"(?<!\w){escaped}(?!\w)" if word.isascii() else escaped
