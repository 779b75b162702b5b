"""An archive that images are brought in from, whatever its protocol: what is asked of it, and what it says."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from node.errors import NodeError
from node.file_meta import Origin

MAX_MATCHES = 1000
"""Answers to one question; a source that goes on after these is left."""
TOO_MANY_MATCHES = "it gives more answers than one study has"
TOO_MANY_INSTANCES = "it sends more objects than one study may have (max_instances)"

TOO_LARGE_OBJECT = "it sends an object above the size limit (dicom.max_instance_mb)"


class SourceError(NodeError):
    """A source answered, and cannot or will not; the text says what, and holds nothing of the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A study by its UID, by its accession number, or by the UID and else the number; "" is none."""

    study_instance_uid: str = ""
    accession_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A study that a source has; `modalities` is empty where it does not say."""

    study_instance_uid: str
    accession_number: str = ""
    modalities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A series of it; `instances` is None where the source does not say how many it has."""

    series_instance_uid: str
    modality: str
    instances: int | None = None


@dataclass(slots=True, kw_only=True)
class Fetched:
    """What became of the objects of a study.

    `refused` counts those that were not taken, by the reason; `failed` those that the source could not send.
    """

    taken: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failed: int = 0


class Take(Protocol):
    """Takes an object in; when it returns, bytes and rows are on disk."""

    def __call__(self, fragments: Iterable[bytes], origin: Origin, /) -> None:
        """Take it.

        Raises:
            node.errors.RefusedError: it is not taken.
        """


class SourceLine(Protocol):
    """A way to a source that is open.

    Each raises `UnreachableError` if the line broke, and `SourceError` if the source answers that it does not.
    """

    def studies(self, wanted: Wanted) -> list[Found]:
        """The studies under one UID, or else under one accession number."""

    def series(self, study_instance_uid: str) -> list[Series]:
        """The series of a study."""

    def fetch(self, study_instance_uid: str, series_instance_uids: Sequence[str], take: Take) -> Fetched:
        """Bring these series in."""


class Source(Protocol):
    """An archive."""

    def line(self) -> AbstractContextManager[SourceLine]:
        """A way to it, opened or still open.

        Raises:
            UnreachableError: there is none now.
        """

    def close(self) -> None:
        """Close what is open."""
