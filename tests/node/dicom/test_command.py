"""DIMSE command sets against pynetdicom's own, and against garbage."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import CTImageStorage
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import decode, encode

from node.dicom import command
from node.errors import PeerError

UIDS = st.lists(st.integers(0, 10**6), min_size=2, max_size=8).map(lambda parts: "1." + ".".join(map(str, parts)))


def encoded(uid: str, message_id: int) -> bytes:
    """The command set of a C-STORE request, as pynetdicom writes it."""
    request = C_STORE()
    request.MessageID = message_id
    request.AffectedSOPClassUID = CTImageStorage
    request.AffectedSOPInstanceUID = uid
    request.Priority = 2
    request.DataSet = BytesIO(b"\0\0")
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    data = encode(message.command_set, is_implicit_vr=True, is_little_endian=True)
    assert data is not None
    return data


def read(data: bytes) -> Dataset:
    """A command set, read by pynetdicom."""
    return decode(BytesIO(data), is_implicit_vr=True, is_little_endian=True)


@settings(deadline=None)
@given(uid=UIDS, message_id=st.integers(0, 65535))
def test_request_of_a_modality_is_read(uid: str, message_id: int):
    """Another implementation's C-STORE request is understood."""
    received = command.decode(encoded(uid, message_id))

    assert (received.field, received.message_id) == (command.C_STORE_RQ, message_id)
    assert (received.sop_class_uid, received.sop_instance_uid) == (CTImageStorage, uid)
    assert received.has_data_set


@settings(deadline=None)
@given(uid=UIDS, message_id=st.integers(0, 65535), status=st.integers(0, 65535), comment=st.text(max_size=80))
def test_response_is_read_by_the_modality(uid: str, message_id: int, status: int, comment: str):
    """Another implementation understands the answer, whatever words are in it."""
    answer = read(command.response(command.decode(encoded(uid, message_id)), status, comment))

    assert (answer.CommandField, answer.MessageIDBeingRespondedTo, answer.Status) == (0x8001, message_id, status)
    assert (answer.AffectedSOPClassUID, answer.AffectedSOPInstanceUID) == (CTImageStorage, uid)
    assert answer.CommandDataSetType == command.NO_DATA_SET
    assert len(answer.get("ErrorComment") or "") <= 64


def test_group_length_counts_what_follows_it():
    """The first element of an answer says how long the rest is (PS3.7 6.3.1)."""
    body = command.response(command.decode(encoded("1.2.3", 1)), 0)

    assert read(body).CommandGroupLength == len(body) - 12


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_garbage_is_the_peers_fault(data: bytes):
    """Whatever bytes come as a command, they are read or the peer is told off; nothing else happens."""
    try:
        received = command.decode(data)
        facts = (received.field, received.message_id, received.has_data_set)
        answer = command.response(received, 0)
    except PeerError:
        return

    assert all(isinstance(fact, int) for fact in facts)
    assert len(answer) > 12


@settings(deadline=None)
@given(place=st.integers(0, 200), value=st.integers(0, 255), end=st.integers(0, 300))
def test_damaged_request_is_the_peers_fault(place: int, value: int, end: int):
    """A C-STORE request with a changed byte, cut short, is read or refused."""
    data = bytearray(encoded("1.2.3.4", 7))
    data[place % len(data)] = value

    try:
        received = command.decode(bytes(data[:end]))
        uids = received.sop_class_uid + received.sop_instance_uid
        command.response(received, 0)
    except PeerError:
        return

    assert isinstance(uids, str)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bytes(7), id="half an element header"),
        pytest.param(b"\0\0\0\1\xff\xff\xff\xff", id="an element of 4 GiB"),
        pytest.param(b"\x08\0\x16\0\0\0\0\0", id="an element of another group"),
    ],
)
def test_element_that_does_not_fit_is_refused(data: bytes):
    """A command set that lies about its lengths is refused before anything is made of it."""
    with pytest.raises(PeerError):
        command.decode(data)
