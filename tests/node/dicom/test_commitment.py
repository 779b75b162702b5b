"""Storage commitment as modalities and archives ask and answer for it, on associations that they open."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_role, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]

from db.result_records import SopReference
from node.dicom import commitment
from node.dicom.association import Limits
from node.dicom.commitment import Report, Request
from node.dicom.opening import Address, associate
from node.dicom.reporter import Reporter
from node.errors import RefusedError, UnreachableError
from tests.node.dicom.conftest import Receiver
from tests.peers.processes import HOST

IMAGE = SopReference(sop_class_uid="1.2.840.10008.5.1.4.1.1.1", sop_instance_uid="2.25.1")
OTHER = SopReference(sop_class_uid="1.2.840.10008.5.1.4.1.1.1", sop_instance_uid="2.25.2")
NAMES = (commitment.SOP_CLASS, commitment.SOP_INSTANCE)
REQUEST = Request(transaction_uid="2.25.7", references=(IMAGE, OTHER))
REPORT = Report(transaction_uid="2.25.7", committed=(IMAGE,), failed=((OTHER, 0x0112),))


class FakeDesk:
    """Takes what is said; answers a request at once with `report`."""

    def __init__(self, report: Report | None = None) -> None:
        self.report = report
        self.requests: list[tuple[str, Request]] = []
        self.reports: list[Report] = []
        self.took = threading.Event()

    def asked(self, calling_ae: str, request: Request) -> Report | None:
        """Asked."""
        self.requests.append((calling_ae, request))
        return self.report

    def told(self, calling_ae: str, transaction_uid: str) -> None:
        """Told."""
        assert (calling_ae, transaction_uid) == ("MODALITY", "2.25.7")
        self.took.set()

    def reported(self, report: Report) -> bool:
        """Known by its transaction."""
        self.reports.append(report)
        return report.transaction_uid == "2.25.7"


def association(port: int, *, reporter: bool = False, handlers: Any = ()) -> Any:
    """A peer's association with the receiver, as the service's user, or as its provider."""
    address = Address(name="node", ae_title="CXRNODE", host=HOST, port=port)
    roles = [build_role(StorageCommitmentPushModel, scu_role=False, scp_role=True)] if reporter else []
    form = (str(StorageCommitmentPushModel), str(ExplicitVRLittleEndian))
    assoc = associate(address, "MODALITY", [form], roles=roles, handlers=list(handlers))
    assert assoc.is_established
    return assoc


def test_request_is_handed_on_and_answered_later(start_receiver: Callable[..., Receiver]):
    """A modality hears success when its request is kept; the report is for another association."""
    desk = FakeDesk()
    assoc = association(start_receiver(commitment=desk, limits=Limits()).port)

    status, _ = assoc.send_n_action(commitment.dataset(REQUEST), 1, *NAMES)
    assoc.release()

    assert status.Status == 0
    assert desk.requests == [("MODALITY", REQUEST)]


def test_report_may_come_on_the_association_of_the_request(start_receiver: Callable[..., Receiver]):
    """Where the node knows no other way, the modality gets its report at once, and its answer is taken."""
    desk, heard = FakeDesk(REPORT), []

    def on_report(event: Event) -> tuple[int, None]:
        heard.append(commitment.report_of(event.event_information))
        return 0, None

    assoc = association(
        start_receiver(commitment=desk, limits=Limits()).port, handlers=[(evt.EVT_N_EVENT_REPORT, on_report)]
    )

    status, _ = assoc.send_n_action(commitment.dataset(REQUEST), 1, *NAMES)

    assert status.Status == 0
    assert desk.took.wait(20)
    assert heard == [REPORT]
    assoc.release()


def test_long_report_is_cut_to_what_the_peer_takes(start_receiver: Callable[..., Receiver]):
    """A report longer than the peer's largest PDU comes in parts, whole."""
    many = tuple(SopReference(sop_class_uid=IMAGE.sop_class_uid, sop_instance_uid=f"2.25.{n}") for n in range(2000))
    long = Report(transaction_uid="2.25.7", committed=many, failed=())
    desk, heard = FakeDesk(long), []

    def on_report(event: Event) -> tuple[int, None]:
        heard.append(commitment.report_of(event.event_information))
        return 0, None

    assoc = association(
        start_receiver(commitment=desk, limits=Limits()).port, handlers=[(evt.EVT_N_EVENT_REPORT, on_report)]
    )
    assoc.send_n_action(commitment.dataset(REQUEST), 1, *NAMES)

    assert desk.took.wait(20)
    assert heard == [long]
    assoc.release()


@pytest.mark.parametrize(("transaction_uid", "expected"), [("2.25.7", 0x0000), ("2.25.8", 0x0115)])
def test_report_of_an_archive_is_taken_if_it_was_asked_for(
    transaction_uid: str, expected: int, start_receiver: Callable[..., Receiver]
):
    """An archive that reports says by role selection that it provides the service."""
    desk = FakeDesk()
    assoc = association(start_receiver(commitment=desk, limits=Limits()).port, reporter=True)
    report = Report(transaction_uid=transaction_uid, committed=(IMAGE,), failed=())

    status, _ = assoc.send_n_event_report(commitment.dataset(report), 1, *NAMES)
    assoc.release()

    assert (status.Status, desk.reports) == (expected, [report])


@pytest.mark.parametrize(
    ("ds", "action", "instance", "expected"),
    [
        (Dataset(), 1, commitment.SOP_INSTANCE, 0x0115),
        (commitment.dataset(REQUEST), 2, commitment.SOP_INSTANCE, 0x0123),
        (commitment.dataset(REQUEST), 1, "2.25.3", 0x0112),
        (commitment.dataset(Request(transaction_uid="2.25.7", references=())), 1, commitment.SOP_INSTANCE, 0x0115),
    ],
)
def test_request_that_makes_no_sense_is_refused(
    ds: Dataset, action: int, instance: str, expected: int, start_receiver: Callable[..., Receiver]
):
    """What is malformed, or not of this service, has its status and reaches nobody."""
    ds.add_new(0x00081195, "UI", ds.get("TransactionUID", ""))
    desk = FakeDesk()
    assoc = association(start_receiver(commitment=desk, limits=Limits()).port)

    status, _ = assoc.send_n_action(ds, action, commitment.SOP_CLASS, instance)
    assoc.release()

    assert (status.Status, desk.requests) == (expected, [])


def test_without_a_desk_commitment_is_refused(receiver: Receiver):
    """A receiver that keeps no requests takes none."""
    assoc = association(receiver.port)

    status, _ = assoc.send_n_action(commitment.dataset(REQUEST), 1, *NAMES)
    assoc.release()

    assert status.Status == 0x0211


@pytest.mark.parametrize("uid", [b"../../", b"2.25.x", b"\0\0\0\0\0\0"])
def test_reference_that_is_no_uid_is_refused(uid: bytes, monkeypatch: pytest.MonkeyPatch):
    """What a peer names never goes on unchecked."""
    monkeypatch.setattr(config.settings, "reading_validation_mode", config.IGNORE)  # as in a running node
    data = commitment.encoded(REPORT, ExplicitVRLittleEndian).replace(b"2.25.1", uid)

    with pytest.raises(RefusedError):
        commitment.read_report(data, ExplicitVRLittleEndian)


@pytest.mark.parametrize("status", [0x0000, 0x0110])
def test_report_goes_to_the_modality_on_an_association_of_ours(status: int):
    """The modality is called as the service's user; what it does not take is told it again another time."""
    ae, heard = AE(ae_title="MODALITY"), []
    ae.add_supported_context(StorageCommitmentPushModel, ExplicitVRLittleEndian, scu_role=True, scp_role=True)

    def on_report(event: Event) -> tuple[int, None]:
        heard.append(commitment.report_of(event.event_information))
        return status, None

    server = ae.start_server((HOST, 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, on_report)])
    assert server is not None
    address = Address(name="MODALITY", ae_title="MODALITY", host=HOST, port=server.server_address[1], timeout_s=30)
    try:
        if status:
            with pytest.raises(UnreachableError, match="MODALITY answered 0x0110"):
                Reporter("CXRNODE")(address, REPORT)
        else:
            Reporter("CXRNODE")(address, REPORT)
    finally:
        ae.shutdown()
    assert heard == [REPORT]
