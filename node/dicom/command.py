"""DIMSE command sets (DICOM PS3.7 section 6.3.1 and annex E): group 0000, Implicit VR Little Endian.

Hand-cut because every C-STORE costs one of these in each direction and they have only a handful of elements.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from node.errors import PeerError

AFFECTED_SOP_CLASS_UID = 0x0002
REQUESTED_SOP_CLASS_UID = 0x0003
COMMAND_FIELD = 0x0100
MESSAGE_ID = 0x0110
MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
COMMAND_DATA_SET_TYPE = 0x0800
STATUS = 0x0900
ERROR_COMMENT = 0x0902
AFFECTED_SOP_INSTANCE_UID = 0x1000
REQUESTED_SOP_INSTANCE_UID = 0x1001
EVENT_TYPE_ID = 0x1002
ACTION_TYPE_ID = 0x1008
MOVE_ORIGINATOR_AE_TITLE = 0x1030

C_STORE_RQ = 0x0001
C_ECHO_RQ = 0x0030
N_EVENT_REPORT_RQ = 0x0100
N_ACTION_RQ = 0x0130
C_CANCEL_RQ = 0x0FFF
RESPONSE = 0x8000
N_EVENT_REPORT_RSP = N_EVENT_REPORT_RQ | RESPONSE
DATA_SET, NO_DATA_SET = 0x0001, 0x0101

SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
NO_SUCH_SOP_INSTANCE = 0x0112
NO_SUCH_EVENT_TYPE = 0x0113
INVALID_ARGUMENT = 0x0115
SOP_CLASS_NOT_SUPPORTED = 0x0122
NO_SUCH_ACTION = 0x0123
UNRECOGNIZED_OPERATION = 0x0211


@dataclass(frozen=True, slots=True)
class Command:
    """A command set, element number to raw value."""

    elements: Mapping[int, bytes]

    @property
    def field(self) -> int:
        """Which operation this is (PS3.7 E.1, Command Field)."""
        return self._number(COMMAND_FIELD)

    @property
    def message_id(self) -> int:
        """The requester's number for this operation."""
        return self._number(MESSAGE_ID)

    @property
    def response_to(self) -> int:
        """The message id of the request that this answers."""
        return self._number(MESSAGE_ID_BEING_RESPONDED_TO)

    @property
    def has_data_set(self) -> bool:
        """True if a data set follows."""
        return self._number(COMMAND_DATA_SET_TYPE) != NO_DATA_SET

    @property
    def sop_class_uid(self) -> str:
        """Affected SOP Class UID, or Requested, as N-ACTION calls it; empty if missing."""
        return self._uid(AFFECTED_SOP_CLASS_UID) or self._uid(REQUESTED_SOP_CLASS_UID)

    @property
    def sop_instance_uid(self) -> str:
        """Affected or Requested SOP Instance UID; empty if missing."""
        return self._uid(AFFECTED_SOP_INSTANCE_UID) or self._uid(REQUESTED_SOP_INSTANCE_UID)

    @property
    def move_originator(self) -> str:
        """Whose C-MOVE this C-STORE answers, by AE title; empty if none."""
        return self.elements.get(MOVE_ORIGINATOR_AE_TITLE, b"").decode("ascii", "replace").strip("\0 ")

    @property
    def action_type_id(self) -> int:
        """Which action an N-ACTION asks for."""
        return self._number(ACTION_TYPE_ID)

    @property
    def event_type_id(self) -> int:
        """Which event an N-EVENT-REPORT tells of."""
        return self._number(EVENT_TYPE_ID)

    @property
    def status(self) -> int:
        """How a response says it went."""
        return self._number(STATUS)

    def _number(self, element: int) -> int:
        value = self.elements.get(element, b"")
        if len(value) != 2:
            raise PeerError(f"command element (0000,{element:04X}) is missing or not two bytes long")
        return int.from_bytes(value, "little")

    def _uid(self, element: int) -> str:
        return self.elements.get(element, b"").rstrip(b"\0 ").decode("ascii", "replace")


def decode(data: bytes) -> Command:
    """Read a command set.

    Raises:
        PeerError: an element is outside group 0000 or longer than what is there.
    """
    elements: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        if position + 8 > len(data):
            raise PeerError("the command set ends inside an element")
        group, element, length = struct.unpack_from("<HHL", data, position)
        position += 8
        if group != 0 or position + length > len(data):
            raise PeerError("the command set holds an element that does not fit")
        elements[element] = data[position : position + length]
        position += length
    return Command(elements)


def response(request: Command, status: int, comment: str = "") -> bytes:
    """The command set that answers `request`; `comment` is cut to the 64 characters of an LO."""
    elements = [
        (AFFECTED_SOP_CLASS_UID, _padded(request.sop_class_uid)),
        (COMMAND_FIELD, struct.pack("<H", request.field | RESPONSE)),
        (MESSAGE_ID_BEING_RESPONDED_TO, struct.pack("<H", request.message_id)),
        (COMMAND_DATA_SET_TYPE, struct.pack("<H", NO_DATA_SET)),
        (STATUS, struct.pack("<H", status)),
    ]
    if comment:
        printable = "".join(character if character.isprintable() else " " for character in comment[:64])
        elements.append((ERROR_COMMENT, _padded(printable, b" ")))
    if AFFECTED_SOP_INSTANCE_UID in request.elements or REQUESTED_SOP_INSTANCE_UID in request.elements:
        elements.append((AFFECTED_SOP_INSTANCE_UID, _padded(request.sop_instance_uid)))
    for element in (EVENT_TYPE_ID, ACTION_TYPE_ID):
        if element in request.elements:
            elements.append((element, request.elements[element]))
    return _encoded(elements)


def event_report(message_id: int, sop_class_uid: str, sop_instance_uid: str, event_type_id: int) -> bytes:
    """The command set of an N-EVENT-REPORT-RQ with a data set (PS3.7 10.3.1)."""
    return _encoded(
        [
            (AFFECTED_SOP_CLASS_UID, _padded(sop_class_uid)),
            (COMMAND_FIELD, struct.pack("<H", N_EVENT_REPORT_RQ)),
            (MESSAGE_ID, struct.pack("<H", message_id)),
            (COMMAND_DATA_SET_TYPE, struct.pack("<H", DATA_SET)),
            (AFFECTED_SOP_INSTANCE_UID, _padded(sop_instance_uid)),
            (EVENT_TYPE_ID, struct.pack("<H", event_type_id)),
        ]
    )


def _encoded(elements: Iterable[tuple[int, bytes]]) -> bytes:
    body = b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in elements)
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


def _padded(text: str, pad: bytes = b"\0") -> bytes:
    value = text.encode("ascii", "replace")
    return value + pad if len(value) % 2 else value
