"""The storage service class user: objects to a destination over associations that many studies share.

An association proposes every form in which an object may go (DICOM PS3.4 annex B), and what was accepted decides. The
bytes of a file go out as they are; an object is made anew only where the destination does not take its stored form.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import _config, evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType

from db.errors import DatabaseError
from node.dicom import commitment
from node.dicom.commitment import Report, Request
from node.dicom.lines import IDLE_S, Lines
from node.dicom.opening import Address, associate
from node.dicom.outgoing import NO_CONTEXT, Answer, Form, Outgoing, Render, Rendition, forms, in_form
from node.errors import RefusedError, UnreachableError

log = logging.getLogger(__name__)

MAX_CONTEXTS = 126
COMMITMENT_FORMS: tuple[Form, ...] = tuple(
    (commitment.SOP_CLASS, str(syntax)) for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
)

OnReport = Callable[[Report], bool]
"""Takes a destination's report; False if nobody asked for it."""


class Scu(Lines[[Sequence[Outgoing]], "DimseLine"]):
    """Sends to one destination by C-STORE, under our own AE title (see `OpenLine`).

    An association proposed every form of the objects that it is wanted for.

    Args:
        ae_title: ours.
        address: the destination.
        render: makes the forms of an object that are not the stored one.
        on_report: takes what the destination reports on an association of ours; with it, commitment is proposed.
    """

    def __init__(
        self,
        *,
        ae_title: str,
        address: Address,
        render: Render,
        on_report: OnReport | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        super().__init__(idle_s)
        self._ae_title = ae_title
        self._address = address
        self._render = render
        self._on_report = on_report
        self._proposals: frozenset[Form] = frozenset(COMMITMENT_FORMS if on_report else ())

    def _serves(self, line: "DimseLine", objects: Sequence[Outgoing]) -> bool:
        return _every_form(objects) <= line.proposed

    def _open(self, objects: Sequence[Outgoing]) -> "DimseLine":
        """What was wanted before is proposed again, so that the next study's objects find the same association."""
        wanted = _every_form(objects)
        proposed = wanted | self._proposals
        if len(proposed) > MAX_CONTEXTS:
            proposed = wanted
        self._proposals = proposed
        # The file's own bytes go out, not what a library would make of them; the switch is the library's own.
        _config.STORE_SEND_CHUNKED_DATASET = True
        handlers: list[EventHandlerType] = []
        if self._on_report is not None:
            handlers.append((evt.EVT_N_EVENT_REPORT, _reported, [self._on_report]))
        assoc = associate(self._address, self._ae_title, sorted(proposed), handlers=handlers)
        return DimseLine(assoc, self._address.name, proposed, self._render)


class DimseLine:
    """An association with a destination (see `Line`)."""

    def __init__(self, assoc: Association, name: str, proposed: frozenset[Form], render: Render) -> None:
        self.proposed = proposed
        self._assoc = assoc
        self._name = name
        self._render = render
        self._accepted = {
            (str(context.abstract_syntax), str(context.transfer_syntax[0])) for context in assoc.accepted_contexts
        }
        self._message_id = 0

    @property
    def alive(self) -> bool:
        """Whether the association is established."""
        return self._assoc.is_established

    def send(self, objects: Sequence[Outgoing]) -> Iterator[Answer]:
        """Send `objects` (see `Line`)."""
        for outgoing in objects:
            sent = in_form(outgoing, self._accepted, self._render)
            yield sent if isinstance(sent, Answer) else Answer(status=self._store(sent), sent=sent)

    def ask(self, request: Request) -> int:
        """Ask to commit (see `Line`)."""
        if not self._accepted.intersection(COMMITMENT_FORMS):
            return NO_CONTEXT
        data = commitment.dataset(request)
        names = (commitment.SOP_CLASS, commitment.SOP_INSTANCE)
        status, _ = self._operation(
            lambda number: self._assoc.send_n_action(data, commitment.ACTION_REQUEST, *names, msg_id=number)
        )
        return int(status.Status)

    def close(self) -> None:
        """Release the association, or abort one that is not at rest."""
        if self.alive:
            self._assoc.release()

    def abort(self) -> None:
        """End the association at once."""
        if self.alive:
            self._assoc.abort()

    def _store(self, sent: Outgoing | Rendition) -> int:
        what = sent.path if isinstance(sent, Outgoing) else dcmread(BytesIO(sent.data))
        status, _ = self._operation(lambda number: (self._assoc.send_c_store(what, msg_id=number), None))
        return int(status.Status)

    def _operation(self, send: Callable[[int], tuple[Dataset, Dataset | None]]) -> tuple[Dataset, Dataset | None]:
        if not self._assoc.is_established:
            raise UnreachableError(f"{self._name} closed the association")
        self._message_id = self._message_id % 65535 + 1
        try:
            answer = send(self._message_id)
        except RuntimeError as error:  # it ended between the look above and here
            raise UnreachableError(f"{self._name} closed the association") from error
        if "Status" not in answer[0]:
            raise UnreachableError(f"{self._name} did not answer in time, or broke off")
        return answer


def _every_form(objects: Sequence[Outgoing]) -> frozenset[Form]:
    return frozenset(form for outgoing in objects for form in forms(outgoing))


def _reported(event: Event, on_report: OnReport) -> tuple[int, None]:
    """A report on an association of ours, in a thread of pynetdicom's: a door."""
    try:
        known = on_report(commitment.report_of(event.event_information))
    except RefusedError as error:
        return error.status, None
    except DatabaseError:
        log.exception("no commitment without the database")
        return 0x0110, None
    return (0x0000 if known else commitment.INVALID_ARGUMENT), None
