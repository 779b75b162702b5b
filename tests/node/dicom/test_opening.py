"""How the node names itself to whom it calls."""

from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from node.dicom.opening import MAX_PDU_BYTES, Address, associate
from node.process.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME


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
        address = Address(name="peer", ae_title="PEER", host="127.0.0.1", port=server.server_address[1], timeout_s=5)
        associate(address, "CXRNODE", [(Verification, ExplicitVRLittleEndian)]).release()
    finally:
        server.shutdown()

    assert heard == [(IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAX_PDU_BYTES)]
