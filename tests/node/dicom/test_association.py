"""The storage SCP against peers that break the protocol, or never end; a good C-ECHO works after each of them."""

import errno
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import ComputedRadiographyImageStorage

from db.errors import DatabaseUnavailableError
from node.dicom.acceptance import Peer
from node.dicom.association import Association, Limits, Message
from node.dicom.command import decode
from node.errors import PeerClosedError, RefusedError
from node.process import descriptors
from tests.db.races import race
from tests.node.dicom.conftest import PATIENT, Receiver
from tests.node.dicom.raw import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    COMMAND,
    CR,
    DATA,
    ECHO,
    ECHO_RQ,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    VERIFICATION,
    Image,
    RawPeer,
    command,
    echo,
    pdu,
    pdv,
    request,
)
from tests.peers.processes import wait_until

SOON_S = 10.0
"""Before a deadline of the patient can have passed; and well after one of these."""
TO_BEGIN, TO_GO_ON = replace(PATIENT, request_s=0.4), replace(PATIENT, idle_s=0.4, pdu_s=0.4)
ASSOCIATED = pytest.mark.parametrize(("associated", "limits"), [(False, TO_BEGIN), (True, TO_GO_ON)])


@pytest.fixture(autouse=True)
def _still_serves(receiver: Receiver) -> Iterator[None]:
    """After each attack a well-behaved C-ECHO is answered with success, and no half file is left."""
    yield
    assert echo(receiver.port) == 0
    wait_until(lambda: not list(receiver.store.rglob("*.part")), timeout_s=SOON_S, what="a .part file is left")


def ends(peer: RawPeer, *, within_s: float) -> list[int]:
    """What the node still sends until it closes the connection, which it has to do in time."""
    start, kinds = time.monotonic(), []
    while kind := peer.receive()[0]:
        kinds.append(kind)
    assert time.monotonic() - start < within_s
    return kinds


def test_echo_and_store_are_served(receiver: Receiver, peer: RawPeer):
    """A modality that keeps to the rules is served, and released."""
    image = Image()
    peer.associate()

    peer.send(ECHO_RQ)
    echoed = peer.status()
    peer.send(image.head, image.tail)

    assert (echoed, peer.status()) == (0, 0)
    assert peer.release() == RELEASE_RP
    assert receiver.uids() == [image.uid]


@pytest.mark.parametrize("limits", [TO_BEGIN])
def test_silent_connection_is_closed(peer: RawPeer):
    """A port probe that says nothing does not hold its place."""
    assert ends(peer, within_s=SOON_S) == [ABORT]


@pytest.mark.parametrize("limits", [TO_BEGIN])
def test_half_a_header_is_closed(peer: RawPeer):
    """A peer that stops in the middle of a header is not waited for."""
    peer.send(request()[:3])

    assert ends(peer, within_s=SOON_S) == [ABORT]


@pytest.mark.parametrize("associated", [False, True])
def test_pdu_that_claims_four_gigabytes_is_refused_unread(peer: RawPeer, associated: bool):
    """A length of 0xFFFFFFFF costs the node neither memory nor time."""
    if associated:
        peer.associate()

    peer.send(struct.pack(">BxL", DATA if associated else 1, 0xFFFFFFFF), bytes(100))

    assert ends(peer, within_s=SOON_S) == [ABORT]


def drip(peer: RawPeer, data: bytes) -> None:
    """Send a byte every 50 ms, until nobody listens."""
    try:
        for place in range(len(data)):
            peer.send(data[place : place + 1])
            time.sleep(0.05)
    except OSError:
        return


@ASSOCIATED
def test_byte_by_byte_is_cut_at_the_deadline(peer: RawPeer, associated: bool):
    """A peer that sends a byte now and then does not hold its place for ever."""
    if associated:
        peer.associate()
    data = Image().head if associated else request()
    dripping = threading.Thread(target=drip, args=(peer, data))

    dripping.start()

    kinds = ends(peer, within_s=SOON_S)
    dripping.join(5)
    assert not dripping.is_alive()
    assert kinds in ([ABORT], [])


def test_request_has_one_deadline_from_header_to_end(start_receiver: Callable[..., Receiver]):
    """The time for an association request is that for the whole of it, however long a PDU may take later."""
    receiver = start_receiver(limits=TO_BEGIN)
    with RawPeer(receiver.port) as peer:
        peer.send(request()[:20])

        assert ends(peer, within_s=SOON_S) == [ABORT]


@pytest.mark.parametrize("limits", [TO_GO_ON])
def test_silence_between_messages_is_cut(peer: RawPeer):
    """An association that is left open is closed after its idle time."""
    peer.associate()

    assert ends(peer, within_s=SOON_S) == [ABORT]


def without_application_context() -> bytes:
    """An A-ASSOCIATE-RQ that lacks its first item (PS3.8 9.3.2.1)."""
    whole = request()
    fixed = 6 + 68
    (length,) = struct.unpack_from(">H", whole, fixed + 2)
    return pdu(1, whole[6:fixed] + whole[fixed + 4 + length :])


OUT_OF_PLACE = {
    "data before the association": (False, ECHO_RQ),
    "garbage": (False, b"GET / HTTP/1.1\r\nHost: cxr\r\n\r\n"),
    "an unknown PDU type": (False, pdu(0x42)),
    "a release before the association": (False, pdu(RELEASE_RQ)),
    "an empty request": (False, pdu(1, b"")),
    "a request of zeros": (False, pdu(1, bytes(200))),
    "a request without an application context": (False, without_application_context()),
    "a second request": (True, request()),
    "an answer to nothing": (True, pdu(RELEASE_RP)),
    "a PDV longer than its PDU": (True, pdu(DATA, struct.pack(">LBB", 5000, ECHO, COMMAND | LAST) + bytes(10))),
    "a PDV of length 1": (True, pdu(DATA, struct.pack(">LBB", 1, ECHO, COMMAND | LAST))),
    "half a PDV header": (True, pdu(DATA, bytes(3))),
    "a data set without a command": (True, pdu(DATA, pdv(CR, LAST, bytes(10)))),
    "a command that is none": (True, pdu(DATA, pdv(ECHO, COMMAND | LAST, b"\xff" * 50))),
    "a command without its field": (True, pdu(DATA, pdv(ECHO, COMMAND | LAST, b""))),
    "a command without an end": (True, pdu(DATA, pdv(ECHO, COMMAND, bytes(16000))) * 5),
    "a context that was not accepted": (
        True,
        pdu(DATA, pdv(99, COMMAND | LAST, command(0x0030, sop_class=VERIFICATION))),
    ),
    "a data set interrupted by a command": (True, Image().head + ECHO_RQ),
    "a data set that changes its context": (True, Image().head + pdu(DATA, pdv(ECHO, LAST, bytes(10)))),
    "a release inside a data set": (True, Image().head + pdu(RELEASE_RQ)),
}


@pytest.mark.parametrize("name", OUT_OF_PLACE)
def test_peer_that_breaks_the_rules_is_aborted(name: str, receiver: Receiver, peer: RawPeer):
    """What has no place in the protocol ends the association at once, with an A-ABORT, and leaves nothing."""
    associated, data = OUT_OF_PLACE[name]
    if associated:
        peer.associate()

    peer.send(data)

    assert [kind for kind in ends(peer, within_s=SOON_S) if kind != RELEASE_RP] == [ABORT]
    assert receiver.files() == []


@pytest.mark.parametrize(
    ("how", "limits"), [("abort", PATIENT), ("close", PATIENT), ("silence", replace(PATIENT, idle_s=1))]
)
def test_broken_off_data_set_leaves_no_file(how: str, receiver: Receiver, peer: RawPeer):
    """A modality that is switched off in the middle of an image leaves nothing, and can send it again."""
    image = Image()
    peer.associate()
    peer.send(image.head)
    wait_until(lambda: bool(list(receiver.store.rglob("*.part"))), timeout_s=SOON_S, what="nothing arrived")

    if how == "abort":
        peer.send(pdu(ABORT))
    elif how == "close":
        peer.__exit__(None, None, None)

    wait_until(lambda: not receiver.files(), timeout_s=SOON_S, what="the .part file is left")
    assert receiver.uids() == []
    with RawPeer(receiver.port) as again:
        again.associate()
        again.send(image.head, image.tail)
        assert again.status() == 0


def test_query_is_answered_as_not_served(receiver: Receiver, peer: RawPeer):
    """A C-FIND is answered, not aborted; its identifier is skipped and the next message is served."""
    find = command(0x0020, sop_class=ComputedRadiographyImageStorage, data_set=True)
    peer.associate()

    peer.send(pdu(DATA, pdv(CR, COMMAND | LAST, find) + pdv(CR, LAST, bytes(8))), ECHO_RQ)

    assert [peer.status(), peer.status()] == [0x0211, 0]


def test_image_of_another_class_than_agreed_is_refused(receiver: Receiver, peer: RawPeer):
    """A CT image on the context of CR images is refused with 0x0122 and not stored."""
    store = command(0x0001, sop_class="1.2.840.10008.5.1.4.1.1.2", data_set=True, uid="1.2.3")
    peer.associate()

    peer.send(pdu(DATA, pdv(CR, COMMAND | LAST, store) + pdv(CR, LAST, bytes(8))))

    assert peer.status() == 0x0122
    assert receiver.files() == []


@pytest.mark.parametrize("uid", ["", "../../etc/passwd", "1.2.3/4", "1" * 70, "1.2.840.4711"])
def test_uid_that_is_none_or_another_is_refused(uid: str, receiver: Receiver, peer: RawPeer):
    """A missing UID, a path in its place, or another than the data set's: 0xA900, and no file anywhere."""
    store = command(0x0001, sop_class=ComputedRadiographyImageStorage, data_set=True, uid=uid)
    image = Image()
    peer.associate()

    peer.send(pdu(DATA, pdv(CR, COMMAND | LAST, store) + pdv(CR, 0, image.data[:2000])), image.tail)

    assert peer.status() == 0xA900
    assert receiver.files() == []


class FailingIntake:
    """An intake that fails, for a reason that is not the peer's."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def receive(self, _fragments: object, _origin: object) -> str:
        """Fail."""
        raise self._error

    def released(self, _studies: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 0xA700),
        (DatabaseUnavailableError("the database does not answer"), 0xA700),
        (RefusedError(0xA700, "Out of resources: the disk is nearly full"), 0xA700),
        (KeyError("CANARY"), 0x0110),
    ],
    ids=["disk full", "database down", "below the floor", "fault"],
)
def test_our_own_failures_have_their_status(error: Exception, status: int, start_receiver: Callable[..., Receiver]):
    """Never success, never an abort: the modality hears whether to send again, and the association goes on."""
    receiver = start_receiver(intake=FailingIntake(error))
    image = Image()
    with RawPeer(receiver.port) as peer:
        peer.associate()
        peer.send(image.head, image.tail)
        heard = peer.status()
        peer.send(ECHO_RQ)

        assert (heard, peer.status()) == (status, 0)


def test_refused_image_is_read_to_its_end(receiver: Receiver, peer: RawPeer):
    """After an image above the size limit the association goes on."""
    image = Image()
    store = command(0x0001, sop_class=ComputedRadiographyImageStorage, data_set=True, uid="1.2.3")
    parts = [pdu(DATA, pdv(CR, 0, bytes(16000))) for _ in range(80)]
    peer.associate()

    peer.send(pdu(DATA, pdv(CR, COMMAND | LAST, store)), *parts, pdu(DATA, pdv(CR, LAST, b"")))
    refused = peer.status()
    peer.send(image.head, image.tail)

    assert (refused, peer.status()) == (0xA700, 0)
    assert receiver.uids() == [image.uid]


def test_message_in_many_small_pieces_is_put_together(receiver: Receiver, peer: RawPeer):
    """A peer may cut its messages as it likes, an empty PDU included."""
    image = Image()
    peer.associate()

    pieces = [pdu(DATA, pdv(CR, COMMAND, image.command[place : place + 7])) for place in range(0, 60, 7)]
    peer.send(*pieces, pdu(DATA, b""), pdu(DATA, pdv(CR, COMMAND | LAST, image.command[63:])))
    peer.send(pdu(DATA, pdv(CR, 0, b"") + pdv(CR, 0, image.data[:2000])), image.tail)

    assert peer.status() == 0
    assert receiver.uids() == [image.uid]


def rejection(peer: RawPeer, **options: str) -> tuple[int, int, int]:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""
    peer.send(request(**options))
    kind, body = peer.receive()
    assert kind == ASSOCIATE_RJ
    return body[1], body[2], body[3]


def test_call_for_another_ae_is_rejected(receiver: Receiver, peer: RawPeer):
    """Who calls another AE title hears: called AE title not recognized."""
    assert rejection(peer, called="OTHER") == (1, 1, 7)
    assert receiver.rejected == [("MODALITY", "127.0.0.1", "called AE title not recognized")]


def test_stranger_and_known_title_from_elsewhere_are_rejected(start_receiver: Callable[..., Receiver]):
    """Neither an unknown title nor a known one from another address is let in."""
    here, elsewhere = ip_network("127.0.0.1"), ip_network("127.0.0.2")
    peers = (Peer(ae_title="CT1", networks=(here,)), Peer(ae_title="CT2", networks=(elsewhere,)))
    receiver = start_receiver(peers=peers)

    answers = []
    for calling in ("STRANGER", "CT2"):
        with RawPeer(receiver.port) as peer:
            answers.append(rejection(peer, calling=calling))

    with RawPeer(receiver.port) as peer:
        peer.associate(calling="CT1")
    with RawPeer(receiver.port, source="127.0.0.2") as peer:
        peer.associate(calling="CT2")
    assert answers == [(1, 1, 3)] * 2
    assert [facts[0] for facts in receiver.rejected] == ["STRANGER", "CT2"]


@pytest.mark.parametrize("limit", ["max_associations", "max_per_address"])
def test_association_above_the_limit_is_rejected_for_now(limit: str, start_receiver: Callable[..., Receiver]):
    """The third of two associations hears: local limit exceeded, try later; when one has ended there is room."""
    receiver = start_receiver(limits=Limits(idle_s=20, tick_s=0.1), **{limit: 2})
    with RawPeer(receiver.port) as first, RawPeer(receiver.port) as second:
        first.associate()
        second.associate()
        with RawPeer(receiver.port) as third:
            assert rejection(third) == (2, 3, 2)
        assert first.release() == RELEASE_RP

    wait_until(lambda: echo_or_none(receiver.port) == 0, timeout_s=SOON_S, what="there is still no room")


def echo_or_none(port: int) -> int | None:
    """An echo, or None where the association was rejected."""
    with RawPeer(port) as peer:
        peer.send(request(), ECHO_RQ)
        return peer.status() if peer.receive()[0] == ASSOCIATE_AC else None


def test_limit_of_one_address_leaves_room_for_others(start_receiver: Callable[..., Receiver]):
    """A modality that opens too many associations does not shut out the others."""
    receiver = start_receiver(max_per_address=1)
    with RawPeer(receiver.port) as first, RawPeer(receiver.port, source="127.0.0.2") as other:
        first.associate()
        other.associate()


def test_silent_connections_take_no_association_place(start_receiver: Callable[..., Receiver]):
    """A port scan from one address keeps neither that address nor another from an association."""
    receiver = start_receiver(limits=Limits(request_s=20, tick_s=0.1), max_associations=4, max_per_address=2)
    with ExitStack() as stack:
        silent = [stack.enter_context(RawPeer(receiver.port, source="127.0.0.2")) for _ in range(3)]
        with RawPeer(receiver.port, source="127.0.0.2") as peer:
            peer.associate()
        wait_until(lambda: receiver.scp._places.connected == 3, timeout_s=SOON_S, what="a connection is left")

        silent += [stack.enter_context(RawPeer(receiver.port, source="127.0.0.2")) for _ in range(3)]

        assert [peer.receive()[0] for peer in silent[4:]] == [0, 0]
        assert echo(receiver.port) == 0


def test_many_peers_leave_the_low_descriptors_to_others(start_receiver: Callable[..., Receiver]):
    """An image is received over a descriptor that `select` cannot wait for, and pynetdicom keeps those that it can."""
    descriptors.provide(2 * descriptors.LOW)
    receiver = start_receiver(limits=Limits(tick_s=0.1))
    image = Image()
    with RawPeer(receiver.port) as peer:
        peer.associate()
        peer.send(image.head, image.tail)

        assert peer.status() == 0
        assert [sock.fileno() >= descriptors.LOW for sock in receiver.scp._places._sockets.values()] == [True]


def test_hundred_associations_at_once_are_served(start_receiver: Callable[..., Receiver]):
    """A hundred modalities that call in the same moment all get their echo."""
    receiver = start_receiver(limits=Limits(tick_s=0.1))

    statuses = race(100, lambda _: echo(receiver.port))

    assert statuses == [0] * 100


def test_stopping_ends_open_associations_soon(start_receiver: Callable[..., Receiver]):
    """A node that is told to stop does not wait for an idle modality."""
    receiver = start_receiver(limits=Limits(tick_s=0.1))
    with RawPeer(receiver.port) as peer:
        peer.associate()
        start = time.monotonic()

        receiver.scp.stop(0.2)

        assert time.monotonic() - start < SOON_S
        assert ends(peer, within_s=SOON_S) in ([], [ABORT])


def test_rejected_peer_that_goes_on_talking_is_cut(peer: RawPeer):
    """Who was turned away does not keep a thread busy by sending on."""
    peer.send(request(called="OTHER"))
    assert peer.receive()[0] == ASSOCIATE_RJ
    start = time.monotonic()

    while time.monotonic() - start < 2 * SOON_S:
        try:
            peer.send(b"x")
        except OSError:
            break
        time.sleep(0.05)

    assert time.monotonic() - start < SOON_S


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_request_gets_an_answer(data: st.DataObject, receiver: Receiver):
    """An association request with damaged bytes is accepted, rejected or aborted; the node has no fault."""
    whole = bytearray(request())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(6, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))

    with RawPeer(receiver.port) as peer:
        peer.send(bytes(whole), pdu(RELEASE_RQ))
        kind, _ = peer.receive()

    assert kind in (ASSOCIATE_AC, ASSOCIATE_RJ, ABORT)


def test_send_deadline_below_a_second_is_one():
    """A peer that never reads its answers does not hold its place for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(listener.getsockname())
        sock, _ = listener.accept()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        assoc = Association(sock, TO_GO_ON)
        message = Message(ECHO, decode(command(0x0030, sop_class=VERIFICATION, uid="1" * 4000)), iter(()))

        end = time.monotonic() + 60

        def answer_for_ever() -> None:
            while time.monotonic() < end:
                assoc.respond(message, 0)

        try:
            with pytest.raises(PeerClosedError):
                answer_for_ever()
        finally:
            assoc.close()
