"""What a source sends on our own association during a C-GET, taken in as it comes (DICOM PS3.4 C.4.3)."""

import socket
from contextlib import suppress
from dataclasses import dataclass, field

from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

from node.dicom import command
from node.dicom.opening import Address
from node.dicom.source import TOO_LARGE_OBJECT, TOO_MANY_INSTANCES, Fetched, SourceError, Take
from node.errors import RefusedError
from node.file_meta import Origin

OVERHEAD_BYTES = 1024 * 1024
"""What commands and fragments' headers may add to a data set."""


@dataclass(slots=True, kw_only=True)
class Reception:
    """The objects that come on one association during one C-GET."""

    take: Take
    calling_ae: str
    address: str
    max_instances: int
    fetched: Fetched = field(default_factory=Fetched)
    fault: BaseException | None = None
    """What no status tells, such as a database that does not answer: raised again when the operation is over."""


class Received:
    """What comes in on an association, from pynetdicom's threads.

    pynetdicom keeps a message in memory until it is whole, however long that takes; so the bytes are counted, and a
    source that sends more than a data set may have is cut off.
    """

    def __init__(self, max_bytes: int) -> None:
        self._limit = max_bytes + OVERHEAD_BYTES
        self._bytes = 0
        self._reception: Reception | None = None

    def begin(self, take: Take, address: Address, max_instances: int) -> Reception:
        """What comes from now on belongs to this."""
        self._bytes = 0
        self._reception = Reception(
            take=take, calling_ae=address.ae_title, address=address.host, max_instances=max_instances
        )
        return self._reception

    def count(self, event: Event) -> None:
        """A PDU came."""
        self._bytes += len(event.data)
        if self._bytes > self._limit:
            if self._reception is not None:
                self._reception.fault = SourceError(TOO_LARGE_OBJECT)
            _cut_off(event)

    def store(self, event: Event) -> int:
        """A C-STORE request, in a thread of pynetdicom's: a door."""
        self._bytes = 0
        reception, request = self._reception, event.request
        if reception is None or not isinstance(request, C_STORE) or request.DataSet is None:
            return command.PROCESSING_FAILURE
        if reception.fault is not None:
            return command.PROCESSING_FAILURE
        if reception.fetched.taken + reception.fetched.refused.total() >= reception.max_instances:
            reception.fault = SourceError(TOO_MANY_INSTANCES)
            _cut_off(event)
            return command.PROCESSING_FAILURE
        origin = Origin(
            sop_class_uid=str(request.AffectedSOPClassUID),
            sop_instance_uid=str(request.AffectedSOPInstanceUID),
            transfer_syntax_uid=str(event.context.transfer_syntax),
            calling_ae=reception.calling_ae,
            calling_address=reception.address,
        )
        try:
            reception.take([request.DataSet.getvalue()], origin)
        except RefusedError as error:
            reception.fetched.refused[error.comment] += 1
            return error.status
        except Exception as error:  # noqa: BLE001 - it is raised again where the operation was asked for
            reception.fault = error
            return command.PROCESSING_FAILURE
        reception.fetched.taken += 1
        return command.SUCCESS


def _cut_off(event: Event) -> None:
    """End the connection from one of pynetdicom's threads, which may not wait for one another as an abort does."""
    connection = event.assoc.dul.socket
    if connection is not None and connection.socket is not None:
        with suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)
