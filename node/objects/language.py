"""The language of a report's sentences. The sentences are data: `languages.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from db.vocabulary import Reason

LANGUAGES = ("en", "de", "fr", "es", "ja")
"""What a setting may choose from (RFC 5646)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language's sentences; `code` and `meaning` are for TID 1204 (RFC 5646)."""

    code: str
    meaning: str
    decimal_mark: str
    explanation: str
    summary: str
    present: str
    absent: str
    not_processed: str
    retracted: str
    reasons: dict[str, str]

    def percentage(self, value: float) -> str:
        """A percentage as it is written in this language, without its sign."""
        return f"{value:g}".replace(".", self.decimal_mark)

    def reason(self, reason: Reason) -> str:
        """Why an image was not read."""
        return self.reasons[reason.value]

    @property
    def letters(self) -> str:
        """Every letter that the sentences are written with."""
        texts = (self.explanation, self.summary, self.present, self.absent, self.not_processed, self.retracted)
        return "".join(sorted(set("".join((*texts, *self.reasons.values())))))


def language(name: str) -> Language:
    """One of `LANGUAGES`.

    Raises:
        ValueError: it is none of them.
    """
    if name not in LANGUAGES:
        raise ValueError(f"there are no sentences in {name!r}; choose one of {', '.join(LANGUAGES)}")
    return Language(**_sentences()[name])


@cache
def _sentences() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("languages.toml").read_text(encoding="utf-8"))
