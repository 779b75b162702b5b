"""The storage service class user: stored objects to a destination, as they are stored (DICOM PS3.4 annex B)."""

import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydicom.uid import UID
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.events import Event

from node.errors import UnreachableError

TRY_AGAIN = range(0xA700, 0xA800)
"""Statuses of a destination that is out of resources; it may take the object later."""
WARNINGS = (0xB000, 0xB006, 0xB007)
NO_CONTEXT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A peer that takes objects. `timeout_s` bounds its connection and each of its answers."""

    name: str
    ae_title: str
    host: str
    port: int
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An object in the store and what a presentation context for it needs."""

    path: Path
    sop_class_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a destination said to one object; `status` is that of the C-STORE response."""

    status: int

    @property
    def stored(self) -> bool:
        """The destination has it."""
        return self.status == 0 or self.status in WARNINGS

    @property
    def later(self) -> bool:
        """The destination may take it another time."""
        return self.status in TRY_AGAIN

    @property
    def words(self) -> str:
        """The answer in words."""
        if self.status == NO_CONTEXT:
            return "the destination does not accept this SOP Class"
        return f"the destination answered {self.status:#06x}"


class Sender(Protocol):
    """Sends objects over one association."""

    def __call__(self, destination: Destination, objects: Sequence[Outgoing]) -> Iterator[Answer]:
        """Send `objects` in order, and yield the answer to each as it comes.

        Raises:
            UnreachableError: no association, or it broke; what was answered before has been.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Scu:
    """Sends by C-STORE under our own AE title."""

    ae_title: str

    def __call__(self, destination: Destination, objects: Sequence[Outgoing]) -> Iterator[Answer]:
        """Send `objects` (see `Sender`)."""
        # The file's own bytes go out, not what a library would make of them; the switch is the library's own.
        _config.STORE_SEND_CHUNKED_DATASET = True
        assoc = self._associate(destination, objects)
        try:
            for number, outgoing in enumerate(objects):
                yield _send(assoc, outgoing, number, destination)
            assoc.release()
        finally:
            if assoc.is_established:
                assoc.abort()

    def _associate(self, destination: Destination, objects: Sequence[Outgoing]) -> Association:
        ae = AE(ae_title=self.ae_title)
        ae.connection_timeout = ae.acse_timeout = destination.timeout_s
        ae.dimse_timeout = ae.network_timeout = destination.timeout_s
        for sop_class_uid, transfer_syntax_uid in sorted({(o.sop_class_uid, o.transfer_syntax_uid) for o in objects}):
            ae.add_requested_context(UID(sop_class_uid), UID(transfer_syntax_uid))
        try:
            assoc = ae.associate(
                destination.host,
                destination.port,
                ae_title=destination.ae_title,
                evt_handlers=[(evt.EVT_CONN_OPEN, _bound_sending, [destination.timeout_s])],
            )
        except OSError as error:
            raise UnreachableError(f"{destination.name}: the name of its host leads to no address") from error
        if assoc.is_rejected:
            raise UnreachableError(f"{destination.name} rejected the association")
        if not assoc.is_established and not assoc.rejected_contexts:
            raise UnreachableError(f"{destination.name} does not answer")
        return assoc


def _bound_sending(event: Event, timeout_s: float) -> None:
    """Let no write to the connection take longer: pynetdicom's own timeouts bound what is read alone."""
    whole_s, rest_s = divmod(timeout_s, 1)
    bound = struct.pack("@ll", int(whole_s), int(rest_s * 1e6))  # a timeval, socket(7)
    connection = event.assoc.dul.socket
    if connection is not None and connection.socket is not None:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, bound)


def _send(assoc: Association, outgoing: Outgoing, number: int, destination: Destination) -> Answer:
    accepted = {(cx.abstract_syntax, cx.transfer_syntax[0]) for cx in assoc.accepted_contexts}
    if (outgoing.sop_class_uid, outgoing.transfer_syntax_uid) not in accepted:
        return Answer(status=NO_CONTEXT)
    if not assoc.is_established:
        raise UnreachableError(f"{destination.name} closed the association")
    try:
        status = assoc.send_c_store(outgoing.path, msg_id=number % 65535 + 1)
    except RuntimeError as error:  # it ended between the look above and here
        raise UnreachableError(f"{destination.name} closed the association") from error
    if "Status" not in status:
        raise UnreachableError(f"{destination.name} did not answer in time")
    return Answer(status=int(status.Status))
