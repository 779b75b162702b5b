"""The worklist's filter: which studies a person asks for, as the addresses have it that lead through the list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import urlencode

from starlette.exceptions import HTTPException

from db.worklist import Wanted
from node.console.words import PROGRESS, finding, sentence
from node.errors import SettingsError
from node.study.wanted import read_as

FIELDS = ("state", "finding", "from", "to", "ae", "accession", "patient")
"""What the form asks, by its fields' names."""
ALL = "All studies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is `asked`, by the fields that were filled in, and what the database is asked for it."""

    asked: Mapping[str, str]
    wanted: Wanted

    @property
    def query(self) -> str:
        """For an address."""
        return urlencode(self.asked)


def filter_of(parameters: Mapping[str, str], zone: tzinfo | None) -> Filter:
    """The filter of an address; days begin in `zone`, None is this machine's.

    Raises:
        HTTPException: what is asked for cannot be.
    """
    stripped = {name: parameters.get(name, "").strip() for name in FIELDS}
    asked = {name: value for name, value in stripped.items() if value}
    try:
        return Filter(asked=asked, wanted=read_as(asked, zone))
    except SettingsError as error:
        raise HTTPException(400, sentence(error)) from error


def in_words(asked: Mapping[str, str]) -> str:
    """What was asked for, such as "Failed, with Mass, from 2026-03-14"; a person has typed it."""
    return joined([_WORDS[name](asked[name]) for name in FIELDS if name in asked]) or ALL


def joined(words: Sequence[str]) -> str:
    """What is asked for in one line."""
    line = ", ".join(words)
    return f"{line[:1].upper()}{line[1:]}"


_WORDS: Mapping[str, Callable[[str], str]] = {
    "state": PROGRESS.__getitem__,
    "finding": lambda value: f"with {finding(value)}",
    "from": "from {}".format,
    "to": "to {}".format,
    "ae": "sent by {}".format,
    "accession": "accession {}".format,
    "patient": "patient {}".format,
}
