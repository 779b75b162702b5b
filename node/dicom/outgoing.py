"""What is sent, in which form, and what a destination says to it; the same for C-STORE and STOW-RS."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from node.dicom.commitment import Request

TRY_AGAIN = range(0xA700, 0xA800)
"""Statuses of a destination that is out of resources; it may take the object later."""
WARNINGS = (0xB000, 0xB006, 0xB007)
DUPLICATE = 0x0111
"""It has an object of this UID. Ours are the same whenever they are sent, so it has ours."""
NO_CONTEXT, OTHER_OBJECT = -1, -2
MEANINGS = (
    (TRY_AGAIN, "it is out of resources"),
    (range(0xA900, 0xAA00), "the data set does not match its SOP Class"),
    (range(0xC000, 0xD000), "it cannot understand the object"),
    (range(0x0110, 0x0111), "a fault there"),
    (range(DUPLICATE, DUPLICATE + 1), "it has an object of this UID"),
    (range(0x0122, 0x0123), "it does not take this SOP Class"),
    (range(0x0124, 0x0125), "it does not allow us to store"),
    (range(0xB000, 0xB001), "it changed elements"),
    (range(0xB006, 0xB007), "it left elements out"),
    (range(0xB007, 0xB008), "the data set does not match its SOP Class, but it took it"),
)
"""C-STORE statuses and failure reasons in words (PS3.4 table B.2-1, PS3.7 C.4, PS3.18 table 10.5.3)."""

REPORT_CLASSES = (str(Comprehensive3DSRStorage), str(ComprehensiveSRStorage), str(EnhancedSRStorage))
"""A report as each of these says the same; the first that a destination takes is sent."""

Form = tuple[str, str]
"""A SOP Class and a transfer syntax, by UID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An object in the store.

    `pinned` is the SOP Class, SOP Instance UID and digest with which this destination has or had it: it never gets it
    as another object.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    sha256: str = ""
    pinned: tuple[str, str, str] | None = None

    @property
    def stored_form(self) -> Form:
        """The form it has in the store."""
        return self.sop_class_uid, self.transfer_syntax_uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """An object in another form: a whole DICOM file. The digest is of the object before its syntax was changed."""

    data: bytes
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    sha256: str


class Render(Protocol):
    """Makes renditions: the same bytes each time."""

    def __call__(self, outgoing: Outgoing, form: Form) -> Rendition: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a destination said to one object; `status` is that of the C-STORE response or STOW-RS failure reason.

    `sent` is the object's form, None if it was not sent: then it is the stored one or there is none for it.
    """

    status: int
    sent: Rendition | Outgoing | None = None

    @property
    def stored(self) -> bool:
        """The destination has it."""
        return self.status in (0, DUPLICATE, *WARNINGS)

    @property
    def later(self) -> bool:
        """The destination may take it another time."""
        return self.status in TRY_AGAIN

    @property
    def words(self) -> str:
        """The answer in words."""
        if self.status == NO_CONTEXT:
            return "the destination does not accept this SOP Class"
        if self.status == OTHER_OBJECT:
            return "it could only be sent as another object than before"
        meaning = next((f" ({words})" for statuses, words in MEANINGS if self.status in statuses), "")
        return f"the destination answered {self.status:#06x}{meaning}"


class Line(Protocol):
    """A way to a destination that is open."""

    def send(self, objects: Sequence[Outgoing]) -> Iterator[Answer]:
        """Send `objects` in order, and yield the answer to each as it comes.

        Raises:
            UnreachableError: the line broke; what was answered before has been.
        """

    def ask(self, request: Request) -> int:
        """Ask to commit to objects; the status of the response, NO_CONTEXT if that is not offered.

        Raises:
            UnreachableError: the line broke; the request may have been heard.
        """


class OpenLine(Protocol):
    """Opens a line to one destination for these objects, or takes one that is still open."""

    def __call__(self, objects: Sequence[Outgoing], /) -> AbstractContextManager[Line]:
        """Open it.

        Raises:
            UnreachableError: there is no way to the destination now.
        """


def forms(outgoing: Outgoing) -> list[Form]:
    """The forms in which an object may be sent, the best first: as it is stored, then uncompressed."""
    classes = [outgoing.sop_class_uid]
    if outgoing.pinned is not None:
        classes = [outgoing.pinned[0]]
    elif outgoing.sop_class_uid in REPORT_CLASSES:
        classes = list(REPORT_CLASSES[REPORT_CLASSES.index(outgoing.sop_class_uid) :])
    syntaxes = (outgoing.transfer_syntax_uid, str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
    return [(sop_class_uid, syntax) for sop_class_uid in classes for syntax in dict.fromkeys(syntaxes)]


def in_form(outgoing: Outgoing, accepted: Collection[Form], render: Render) -> Outgoing | Rendition | Answer:
    """An object in the best form that is accepted, or the answer why it has none."""
    form = next((each for each in forms(outgoing) if each in accepted), None)
    if form is None:
        return Answer(status=NO_CONTEXT if outgoing.pinned is None else _unchanged(outgoing))
    if form == outgoing.stored_form:
        return outgoing
    rendition = render(outgoing, form)
    if outgoing.pinned is None or form[0] == outgoing.sop_class_uid:
        return rendition  # the same object, at most in another transfer syntax
    same = (rendition.sop_class_uid, rendition.sop_instance_uid, rendition.sha256) == outgoing.pinned
    return rendition if same else Answer(status=OTHER_OBJECT)


def _unchanged(outgoing: Outgoing) -> int:
    """Why a pinned object has no form: its class is not accepted, now or ever."""
    pinned = outgoing.pinned
    return NO_CONTEXT if pinned is None or pinned[0] == outgoing.sop_class_uid else OTHER_OBJECT
