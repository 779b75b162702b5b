"""Who is at the other end of an accepted association."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pynetdicom.presentation import PresentationContext

from node.dicom.commitment import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A calling AE, what was agreed with it, which studies it has touched, and which reports it is to get."""

    ae_title: str
    address: str
    contexts: Mapping[int | None, PresentationContext]
    studies: set[str] = field(default_factory=set)
    reports: list[Report] = field(default_factory=list)
    told: dict[int, str] = field(default_factory=dict)
    """Transaction UIDs of reports that were sent on this association, by message id, until they are answered."""
