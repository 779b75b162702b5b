"""One association for many studies, in whatever form the destination takes an object."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AE, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]

from db.result_records import SopReference
from node.destinations.outbound import RENDER
from node.dicom import commitment
from node.dicom.commitment import Report, Request
from node.dicom.opening import Address
from node.dicom.outgoing import NO_CONTEXT, OTHER_OBJECT, Answer, Outgoing
from node.dicom.sender import Scu
from tests.peers.processes import HOST


class Taker:
    """A destination of pynetdicom's: what it got, and over how many associations."""

    def __init__(self, contexts: dict[str, list[str]], report: Callable[[Event], None] | None = None) -> None:
        ae = AE(ae_title="PACS")
        for sop_class, syntaxes in contexts.items():
            ae.add_supported_context(sop_class, syntaxes)
        self.received: list[Dataset] = []
        self.data: list[bytes] = []
        self.associations = 0
        self.released = threading.Event()
        self._report = report
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_RELEASED, lambda _event: self.released.set()),
            (evt.EVT_N_ACTION, self._asked),
        ]
        server = ae.start_server((HOST, 0), block=False, evt_handlers=handlers)
        assert server is not None
        self.ae = ae
        self.address = Address(name="pacs", ae_title="PACS", host=HOST, port=server.server_address[1], timeout_s=30)

    def _accepted(self, _event: Event) -> None:
        self.associations += 1

    def _store(self, event: Event) -> int:
        ds = event.dataset
        ds.file_meta = event.file_meta
        self.received.append(ds)
        self.data.append(event.request.DataSet.getvalue())  # type: ignore[union-attr]
        return 0

    def _asked(self, event: Event) -> tuple[int, None]:
        if self._report is not None:
            self._report(event)
        return 0, None


@pytest.fixture
def taker() -> Iterator[Callable[..., Taker]]:
    """Start a destination that takes these SOP Classes in these transfer syntaxes."""
    running: list[Taker] = []

    def start(contexts: dict[str, list[str]], **more: Any) -> Taker:
        running.append(Taker(contexts, **more))
        return running[-1]

    yield start
    for each in running:
        each.ae.shutdown()


def report(folder: Path, number: int = 1, syntax: Any = ExplicitVRLittleEndian, **values: Any) -> Outgoing:
    """A small report in the store."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID, ds.SOPInstanceUID = Comprehensive3DSRStorage, f"2.25.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = "2.25.8", "2.25.9", "SR"
    path = folder / f"{number}.dcm"
    ds.save_as(path, enforce_file_format=True)
    usual = {
        "path": path,
        "sop_class_uid": str(Comprehensive3DSRStorage),
        "sop_instance_uid": f"2.25.{number}",
        "transfer_syntax_uid": str(syntax),
    }
    return Outgoing(**usual | values)


def scu(taker: Taker, **more: Any) -> Scu:
    """A sender to it."""
    return Scu(ae_title="CXRNODE", address=taker.address, render=RENDER, **more)


def sent(sender: Scu, *objects: Outgoing) -> list[Answer]:
    """Send over a line."""
    with sender.line(objects) as line:
        return list(line.send(objects))


def test_many_studies_share_one_association(taker: Callable[..., Taker], tmp_path: Path):
    """Lines are kept open between deliveries, and released when nobody needs them any more."""
    pacs = taker({Comprehensive3DSRStorage: [ExplicitVRLittleEndian]})
    sender = scu(pacs)

    answers = [sent(sender, report(tmp_path, number))[0] for number in range(1, 6)]

    assert [answer.status for answer in answers] == [0] * 5
    assert pacs.associations == 1
    sender.close()
    assert pacs.released.wait(20)


def test_idle_line_is_released(taker: Callable[..., Taker], tmp_path: Path):
    """A destination is not held on to."""
    pacs = taker({Comprehensive3DSRStorage: [ExplicitVRLittleEndian]})

    sent(scu(pacs, idle_s=0.05), report(tmp_path))

    assert pacs.released.wait(20)


def test_line_that_the_destination_ended_is_not_used_again(taker: Callable[..., Taker], tmp_path: Path):
    """A destination may end an idle association; the next object finds a new one."""
    pacs = taker({Comprehensive3DSRStorage: [ExplicitVRLittleEndian]})
    sender = scu(pacs)
    with sender.line([report(tmp_path)]) as line:
        list(line.send([report(tmp_path)]))
    for assoc in pacs.ae.active_associations:
        assoc.abort()
        assoc.join(5)
    while line.alive:
        pass

    assert [answer.status for answer in sent(sender, report(tmp_path, 2))] == [0]
    assert pacs.associations == 2
    sender.close()


@pytest.mark.parametrize("taken", [ComprehensiveSRStorage, EnhancedSRStorage])
def test_report_goes_as_the_class_that_is_accepted(taken: str, taker: Callable[..., Taker], tmp_path: Path):
    """A PACS without 3D SR gets the report as an older class, under another UID, which is always the same."""
    pacs = taker({taken: [ExplicitVRLittleEndian]})
    sender = scu(pacs)

    (first,), (second,) = sent(sender, report(tmp_path)), sent(sender, report(tmp_path))

    assert [ds.SOPClassUID for ds in pacs.received] == [taken, taken]
    assert pacs.data[0] == pacs.data[1]
    assert first.sent == second.sent
    assert first.sent is not None
    assert first.sent.sop_instance_uid == pacs.received[0].SOPInstanceUID != "2.25.1"
    sender.close()


def test_object_is_never_sent_as_another_one_than_before(taker: Callable[..., Taker], tmp_path: Path):
    """A PACS that learnt a newer class goes on to get the report as it has it, or not at all."""
    both = taker({Comprehensive3DSRStorage: [ExplicitVRLittleEndian], EnhancedSRStorage: [ExplicitVRLittleEndian]})
    old = taker({EnhancedSRStorage: [ExplicitVRLittleEndian]})
    newest = taker({Comprehensive3DSRStorage: [ExplicitVRLittleEndian]})
    (answer,) = sent(scu(old), report(tmp_path))
    assert answer.sent is not None
    pin = (answer.sent.sop_class_uid, answer.sent.sop_instance_uid, answer.sent.sha256)

    (again,) = sent(scu(both), report(tmp_path, pinned=pin))
    (never,) = sent(scu(newest), report(tmp_path, pinned=pin))
    (changed,) = sent(scu(both), report(tmp_path, pinned=(*pin[:2], "0" * 64)))

    assert again.sent == answer.sent
    assert (never.status, changed.status) == (OTHER_OBJECT, OTHER_OBJECT)
    assert newest.received == []


@pytest.mark.parametrize("taken", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_compressed_object_goes_uncompressed_where_it_must(taken: str, taker: Callable[..., Taker], tmp_path: Path):
    """The same instance in a transfer syntax that the destination takes."""
    pacs = taker({Comprehensive3DSRStorage: [taken]})

    (answer,) = sent(scu(pacs), report(tmp_path, syntax=DeflatedExplicitVRLittleEndian))

    assert (answer.status, pacs.received[0].SOPInstanceUID) == (0, "2.25.1")
    assert pacs.received[0].file_meta.TransferSyntaxUID == taken


def test_compressed_object_goes_as_it_is_where_it_may(taker: Callable[..., Taker], tmp_path: Path):
    """A destination that takes the stored syntax gets the stored bytes."""
    pacs = taker({Comprehensive3DSRStorage: [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]})
    outgoing = report(tmp_path, syntax=DeflatedExplicitVRLittleEndian)

    (answer,) = sent(scu(pacs), outgoing)

    assert answer.sent is outgoing
    assert outgoing.path.read_bytes().endswith(pacs.data[0])


def test_report_on_our_own_association(taker: Callable[..., Taker]):
    """A destination may answer on the association that asked it, before its response; and one may not offer it."""
    heard: list[Report] = []
    arrived = threading.Event()

    def on_report(found: Report) -> bool:
        heard.append(found)
        arrived.set()
        return True

    def tell(event: Event) -> None:
        ds = event.action_information
        names = (commitment.SOP_CLASS, commitment.SOP_INSTANCE)
        threading.Thread(target=lambda: event.assoc.send_n_event_report(ds, 1, *names), daemon=True).start()
        assert arrived.wait(20)

    reference = SopReference(sop_class_uid=str(Comprehensive3DSRStorage), sop_instance_uid="2.25.1")
    request = Request(transaction_uid="2.25.7", references=(reference,))
    pacs = taker({StorageCommitmentPushModel: [ExplicitVRLittleEndian]}, report=tell)
    sender = scu(pacs, on_report=on_report)
    with sender.line([]) as line:
        assert line.ask(request) == 0
    assert heard == [Report(transaction_uid="2.25.7", committed=(reference,), failed=())]
    sender.close()

    without = scu(taker({Comprehensive3DSRStorage: [ExplicitVRLittleEndian]}), on_report=on_report)
    with without.line([]) as line:
        assert line.ask(request) == NO_CONTEXT
    without.close()
