"""Sending to destinations that behave in every way: real associations, on free ports of loopback."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless
from pynetdicom import AE, evt
from pynetdicom.events import Event, EventHandlerType

from node.destinations.outbound import RENDER
from node.dicom.opening import Address
from node.dicom.outgoing import Answer, Outgoing
from node.dicom.sender import Scu
from node.errors import UnreachableError
from tests.nodes import chest
from tests.peers.processes import HOST, free_port

DX = "1.2.840.10008.5.1.4.1.1.1.1"
StartScp = Callable[..., Address]


@pytest.fixture
def start_scp() -> Iterator[StartScp]:
    """Start a destination of pynetdicom's; `store` answers each C-STORE, and is given how many came before it."""
    running: list[AE] = []

    def start(
        store: Callable[[Event, int], int] = lambda _event, _number: 0,
        *,
        syntax: str = ExplicitVRLittleEndian,
        handlers: list[EventHandlerType] | None = None,
        called: str = "PACS",
        timeout_s: float = 30,
    ) -> Address:
        ae = AE(ae_title="PACS")
        ae.require_called_aet = True
        ae.add_supported_context(DX, syntax)
        number = iter(range(1000))
        answer: EventHandlerType = (evt.EVT_C_STORE, lambda event: store(event, next(number)))
        server = ae.start_server((HOST, 0), block=False, evt_handlers=[answer, *(handlers or [])])
        assert server is not None
        running.append(ae)
        return Address(name="pacs", ae_title=called, host=HOST, port=server.server_address[1], timeout_s=timeout_s)

    yield start
    for ae in running:
        ae.shutdown()


@pytest.fixture
def outgoing(tmp_path: Path) -> list[Outgoing]:
    """Three small objects in the store."""
    return [written(tmp_path / f"{number}.dcm") for number in range(3)]


def written(path: Path, megabytes: int = 0) -> Outgoing:
    """An object in a file, with so many megabytes more of pixels."""
    ds = chest()
    if megabytes:
        ds.PixelData = bytes(megabytes * 1024 * 1024)
    ds.save_as(path, enforce_file_format=True)
    return Outgoing(
        path=path,
        sop_class_uid=DX,
        sop_instance_uid=str(ds.SOPInstanceUID),
        transfer_syntax_uid=str(ExplicitVRLittleEndian),
    )


def send(destination: Address, outgoing: list[Outgoing]) -> tuple[list[Answer], str | None]:
    """What was answered, and the error that ended it if one did."""
    answers: list[Answer] = []
    scu = Scu(ae_title="CXRNODE", address=destination, render=RENDER)
    try:
        with scu.line(outgoing) as line:
            for answer in line.send(outgoing):
                answers.append(answer)
    except UnreachableError as error:
        return answers, str(error)
    finally:
        scu.close()
    return answers, None


def test_objects_arrive_as_they_are_stored(start_scp: StartScp, outgoing: list[Outgoing]):
    """What the destination gets is the data set of the file, byte for byte, under our AE title."""
    received: list[bytes] = []
    callers: list[str] = []

    def store(event: Event, _number: int) -> int:
        received.append(event.request.DataSet.getvalue())  # type: ignore[union-attr]
        callers.append(event.assoc.requestor.ae_title)
        return 0

    answers, error = send(start_scp(store), outgoing)

    assert ([answer.stored for answer in answers], error) == ([True] * 3, None)
    assert all(each.path.read_bytes().endswith(data) for each, data in zip(outgoing, received, strict=True))
    assert callers == ["CXRNODE"] * 3


@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007])
def test_warning_means_stored(status: int, start_scp: StartScp, outgoing: list[Outgoing]):
    """A destination that changed elements, or would have liked others, has the object (DICOM PS3.4 B.2.3)."""
    answers, error = send(start_scp(lambda _event, _number: status), outgoing)

    assert [(answer.status, answer.stored, answer.later) for answer in answers] == [(status, True, False)] * 3
    assert error is None


@pytest.mark.parametrize(
    ("status", "later"), [(0xA700, True), (0xA7FF, True), (0xA900, False), (0xC000, False), (0x0122, False)]
)
def test_refusal_says_whether_to_come_again(status: int, later: bool, start_scp: StartScp, outgoing: list[Outgoing]):
    """Out of resources may change; a refused object stays refused. One refusal does not stop the others."""
    destination = start_scp(lambda _event, number: status if number == 1 else 0)

    answers, error = send(destination, outgoing)

    assert [(answer.stored, answer.later) for answer in answers] == [(True, False), (False, later), (True, False)]
    assert answers[1].words.startswith(f"the destination answered {status:#06x} (")
    assert error is None


def test_destination_that_rejects_the_association(start_scp: StartScp, outgoing: list[Outgoing]):
    """An AE title that the destination does not know is said in words."""
    assert send(start_scp(called="OTHER"), outgoing) == (
        [],
        "pacs rejected the association: it does not go by the AE title 'OTHER': correct ae_title",
    )


def test_destination_that_takes_no_such_object(start_scp: StartScp, outgoing: list[Outgoing]):
    """Without a presentation context nothing is sent, and each object has its answer."""
    answers, error = send(start_scp(syntax=JPEG2000Lossless), outgoing)

    assert [(answer.stored, answer.later) for answer in answers] == [(False, False)] * 3
    assert answers[0].words == "the destination does not accept this SOP Class"
    assert error is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (HOST, "pacs does not answer"),
        ("no-such-host.invalid", "pacs: the name of its host leads to no address"),
    ],
)
def test_destination_that_is_down(host: str, expected: str, outgoing: list[Outgoing]):
    """A closed port, and a name that is not known now, are unreachable: both may change."""
    destination = Address(name="pacs", ae_title="PACS", host=host, port=free_port(), timeout_s=2)

    assert send(destination, outgoing) == ([], expected)


def test_destination_that_aborts_at_once(outgoing: list[Outgoing]):
    """An association that is aborted before it is accepted is none."""

    def abort() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(bytes([7, 0, 0, 0, 0, 4, 0, 0, 2, 0]))  # A-ABORT (DICOM PS3.8 9.3.8)
            connection.recv(65536)

    with socket.create_server((HOST, 0)) as listener:
        peer = threading.Thread(target=abort)
        peer.start()
        destination = Address(name="pacs", ae_title="PACS", host=HOST, port=listener.getsockname()[1], timeout_s=2)
        answers, error = send(destination, outgoing)
        peer.join()

    assert answers == []
    assert error is not None


def test_abort_between_objects_keeps_what_was_answered(start_scp: StartScp, outgoing: list[Outgoing]):
    """What a destination has is known, though it then aborts: the next attempt need not send it again."""

    def store(event: Event, number: int) -> int:
        if number == 1:
            event.assoc.abort()
        return 0

    answers, error = send(start_scp(store), outgoing)

    assert [answer.status for answer in answers] == [0]
    assert error is not None
    assert error.startswith("pacs ")


def test_late_answer_is_none(start_scp: StartScp, outgoing: list[Outgoing]):
    """A destination that does not answer in its time is left, and the association with it."""
    go_on = threading.Event()

    def store(_event: Event, _number: int) -> int:
        go_on.wait(10)
        return 0

    answers, error = send(start_scp(store, timeout_s=0.2), outgoing)
    go_on.set()

    assert (answers, error) == ([], "pacs did not answer in time, or broke off")


def test_connection_that_closes_within_an_object(start_scp: StartScp, tmp_path: Path):
    """A destination that is gone with half an object is unreachable."""
    destination = start_scp(
        handlers=[(evt.EVT_DATA_RECV, lambda event: len(event.data) > 10000 and event.assoc.dul.socket.close())],
        timeout_s=1,
    )

    answers, error = send(destination, [written(tmp_path / "large.dcm", megabytes=8)])

    assert answers == []
    assert error is not None


def test_destination_that_stops_reading(start_scp: StartScp, tmp_path: Path):
    """A destination that takes in no more in the middle of an object holds us no longer than its time."""
    go_on = threading.Event()
    destination = start_scp(
        handlers=[(evt.EVT_DATA_RECV, lambda event: len(event.data) > 10000 and go_on.wait(30))], timeout_s=0.5
    )
    outcome: list[tuple[list[Answer], str | None]] = []
    large = [written(tmp_path / "large.dcm", megabytes=24)]
    thread = threading.Thread(target=lambda: outcome.append(send(destination, large)), daemon=True)

    thread.start()
    thread.join(20)
    go_on.set()

    assert outcome
    assert outcome[0][0] == []
    assert outcome[0][1] is not None


def test_file_that_is_gone_leaves_no_association_open(start_scp: StartScp, outgoing: list[Outgoing]):
    """A fault of our own ends the association too."""
    ended = threading.Event()
    destination = start_scp(
        handlers=[(evt.EVT_ABORTED, lambda _event: ended.set()), (evt.EVT_RELEASED, lambda _event: ended.set())]
    )
    outgoing[1].path.unlink()

    with pytest.raises(FileNotFoundError):
        send(destination, outgoing)

    assert ended.wait(20)
