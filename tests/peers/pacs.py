"""A PACS for tests that need none: a storage SCP that keeps what it receives."""

import threading
from collections.abc import Iterator
from io import BytesIO

import pydicom
import pytest
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from tests.peers.processes import HOST, free_port

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700


class StorageScp:
    """A fake PACS on loopback: every storage class, every transfer syntax.

    Attributes:
        received: by SOP Instance UID, the whole DICOM file as bytes; a resend replaces it.
        order: the SOP Instance UIDs in the order of arrival, resends and refused ones included.
        status: the answer to every C-STORE; what is not answered with success is not kept.
        associations: how many associations were accepted.
    """

    ae_title = "PACS"
    host = HOST

    def __init__(self) -> None:
        self.port = free_port()
        self.status = SUCCESS
        self.received: dict[str, bytes] = {}
        self.order: list[str] = []
        self.associations = 0
        self._news = threading.Condition()
        self._server: ThreadedAssociationServer | None = None
        self.start()

    def start(self) -> None:
        """Listen (again), on the same port."""
        ae = AE(ae_title=self.ae_title)
        ae.supported_contexts = AllStoragePresentationContexts
        for context in ae.supported_contexts:
            context.transfer_syntax = list(AllTransferSyntaxes)
        ae.add_supported_context(Verification)
        ae.maximum_pdu_size = 0
        handlers: list[EventHandlerType] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_ACCEPTED, self._accepted),
        ]
        server = ae.start_server((HOST, self.port), block=False, evt_handlers=handlers)
        assert isinstance(server, ThreadedAssociationServer)
        self._server = server

    def stop(self) -> None:
        """Abort what is open and stop listening: an outage."""
        if self._server is not None:
            self._server.shutdown()
            self._server.ae.shutdown()
            self._server = None

    def wait_for(self, count: int, *, timeout_s: float = 30) -> bool:
        """Wait until `count` different instances have been kept; False if they were not in time."""
        with self._news:
            return self._news.wait_for(lambda: len(self.received) >= count, timeout_s)

    def datasets(self) -> list[pydicom.FileDataset]:
        """What was kept, read, in the order of first arrival."""
        with self._news:
            files = list(self.received.values())
        return [pydicom.dcmread(BytesIO(file)) for file in files]

    def _accepted(self, _event: Event) -> None:
        with self._news:
            self.associations += 1

    def _store(self, event: Event) -> int:
        assert isinstance(event.request, C_STORE)
        uid = str(event.request.AffectedSOPInstanceUID)
        file = event.encoded_dataset()
        with self._news:
            self.order.append(uid)
            if self.status == SUCCESS:
                self.received[uid] = file
            self._news.notify_all()
            return self.status


@pytest.fixture
def pacs() -> Iterator[StorageScp]:
    """A fake PACS that keeps what it receives."""
    scp = StorageScp()
    yield scp
    scp.stop()
