"""How the node names itself to whom it calls."""

import threading
from typing import Any

import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from node.dicom.opening import MAX_PDU_BYTES, Address, associate
from node.process.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from tests.peers.processes import wait_until


def test_association_of_ours_bears_our_name():
    """A peer's log shows the node's implementation, and not its library's (PS3.7 D.3.3.2)."""
    heard = []

    def note(event: evt.Event) -> None:
        caller = event.assoc.requestor
        heard.append((caller.implementation_class_uid, caller.implementation_version_name, caller.maximum_length))

    ae = AE(ae_title="PEER")
    ae.add_supported_context(Verification, ExplicitVRLittleEndian)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_REQUESTED, note)])
    try:
        address = Address(name="peer", ae_title="PEER", host="127.0.0.1", port=server.server_address[1], timeout_s=30)
        associate(address, "CXRNODE", [(Verification, ExplicitVRLittleEndian)]).release()
    finally:
        server.shutdown()

    assert heard == [(IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAX_PDU_BYTES)]


class Overtaken(threading.Event):
    """A checkpoint at which pynetdicom's thread is let through, and overtaken before it looks for messages."""

    def __init__(self) -> None:
        super().__init__()
        self.through, self.go_on, self.back = threading.Event(), threading.Event(), threading.Event()
        self.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Stand still once; from then on as any event."""
        if self.through.is_set():
            self.back.set()
            return super().wait(timeout)
        self.through.set()
        return self.go_on.wait(60)


def test_answer_reaches_who_waits_for_it(monkeypatch: pytest.MonkeyPatch):
    """Though pynetdicom's own thread takes it from the queue first, as it may on a busy machine."""
    ae = AE(ae_title="PEER")
    ae.add_supported_context(Verification, ExplicitVRLittleEndian)
    server = ae.start_server(("127.0.0.1", 0), block=False)
    address = Address(name="peer", ae_title="PEER", host="127.0.0.1", port=server.server_address[1], timeout_s=30)
    assoc = associate(address, "CXRNODE", [(Verification, ExplicitVRLittleEndian)])
    checkpoint, send = Overtaken(), assoc.dimse.send_msg

    def send_and_stand_still(*message: Any) -> None:
        send(*message)
        wait_until(lambda: not assoc.dimse.msg_queue.empty(), timeout_s=60, what="no answer has come")
        checkpoint.go_on.set()
        assert checkpoint.back.wait(60)

    monkeypatch.setattr(assoc, "_reactor_checkpoint", checkpoint)
    monkeypatch.setattr(assoc.dimse, "send_msg", send_and_stand_still)
    assert checkpoint.through.wait(60)
    try:
        status = assoc.send_c_echo()
    finally:
        assoc.release()
        server.shutdown()

    assert status.Status == 0
