"""A peer that sends what it likes: PDUs by hand over a socket (DICOM PS3.8 section 9.3)."""

import socket
import struct
from collections.abc import Sequence
from io import BytesIO
from types import TracebackType

from pydicom import Dataset, dcmwrite
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import build_context

from node.dicom.command import decode
from tests.nodes import chest

ECHO, CR = 1, 3
"""Presentation context ids of a usual association."""
VERIFICATION = "1.2.840.10008.1.1"
ASSOCIATE_AC, ASSOCIATE_RJ, DATA, RELEASE_RQ, RELEASE_RP, ABORT = 2, 3, 4, 5, 6, 7
COMMAND, LAST = 1, 2
PATIENCE_S = 20.0


def pdu(kind: int, body: bytes = bytes(4)) -> bytes:
    """A PDU."""
    return struct.pack(">BxL", kind, len(body)) + body


def pdv(context_id: int, flags: int, data: bytes) -> bytes:
    """A presentation data value item."""
    return struct.pack(">LBB", len(data) + 2, context_id, flags) + data


def request(
    *, calling: str = "MODALITY", called: str = "CXRNODE", contexts: Sequence[tuple[str, Sequence[str]]] | None = None
) -> bytes:
    """An A-ASSOCIATE-RQ, by default for C-ECHO and CR images."""
    usual = [
        (VERIFICATION, [ImplicitVRLittleEndian]),
        (ComputedRadiographyImageStorage, [ExplicitVRLittleEndian]),
    ]
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    proposed = []
    for number, (abstract_syntax, transfer_syntaxes) in enumerate(contexts or usual):
        context = build_context(abstract_syntax, list(transfer_syntaxes))
        context.context_id = 2 * number + 1
        proposed.append(context)
    primitive.presentation_context_definition_list = proposed
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received, implementation.implementation_class_uid = 16384, "2.25.1"
    primitive.user_information = [length, implementation]
    encoded: bytes = A_ASSOCIATE_RQ(primitive).encode()
    return encoded


def command(field: int, *, sop_class: str, message_id: int = 1, data_set: bool = False, uid: str = "") -> bytes:
    """A command set."""
    elements = [
        (0x0002, _text(sop_class)),
        (0x0100, struct.pack("<H", field)),
        (0x0110, struct.pack("<H", message_id)),
        (0x0700, struct.pack("<H", 0)),
        (0x0800, struct.pack("<H", 1 if data_set else 0x0101)),
    ]
    if uid:
        elements.append((0x1000, _text(uid)))
    return b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in elements)


def _text(value: str) -> bytes:
    raw = value.encode()
    return raw + b"\0" * (len(raw) % 2)


ECHO_RQ = pdu(DATA, pdv(ECHO, COMMAND | LAST, command(0x0030, sop_class=VERIFICATION)))


class Image:
    """A small CR image and the parts of its C-STORE request."""

    def __init__(self, ds: Dataset | None = None) -> None:
        ds = ds or chest(SOPClassUID=ComputedRadiographyImageStorage)
        buffer = BytesIO()
        dcmwrite(buffer, Dataset({each.tag: each for each in ds}), implicit_vr=False, little_endian=True)
        self.uid = str(ds.SOPInstanceUID)
        self.data = buffer.getvalue()
        self.command = command(0x0001, sop_class=ComputedRadiographyImageStorage, data_set=True, uid=self.uid)

    @property
    def head(self) -> bytes:
        """The request's command and the first bytes of its data set, as one PDU."""
        return pdu(DATA, pdv(CR, COMMAND | LAST, self.command) + pdv(CR, 0, self.data[:2000]))

    @property
    def tail(self) -> bytes:
        """The rest of the data set, as PDUs of 8 kB."""
        rest = [self.data[start : start + 8000] for start in range(2000, len(self.data), 8000)]
        return b"".join(pdu(DATA, pdv(CR, 0 if part is not rest[-1] else LAST, part)) for part in rest)


class RawPeer:
    """A TCP connection to a node."""

    def __init__(self, port: int, source: str = "127.0.0.1", host: str = "127.0.0.1") -> None:
        self._sock = socket.create_connection((host, port), timeout=PATIENCE_S, source_address=(source, 0))

    def __enter__(self) -> "RawPeer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sock.close()

    def send(self, *data: bytes) -> None:
        """Send bytes as they are."""
        self._sock.sendall(b"".join(data))

    def receive(self) -> tuple[int, bytes]:
        """The next PDU: its type and body; type 0 when the node has closed the connection."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, head
        kind, length = struct.unpack(">BxL", head)
        body = self._exactly(length)
        return (kind if len(body) == length else 0), body

    def associate(self, **options: object) -> A_ASSOCIATE:
        """Associate; what the node answered."""
        self.send(request(**options))  # type: ignore[arg-type]
        kind, body = self.receive()
        assert kind == ASSOCIATE_AC
        answer = A_ASSOCIATE_AC()
        answer.decode(pdu(kind, body))
        return answer.to_primitive()

    def status(self) -> int:
        """The status in the next response."""
        kind, body = self.receive()
        assert kind == DATA
        return int.from_bytes(decode(body[6:]).elements[0x0900], "little")

    def release(self) -> int:
        """Ask for release; the type of the answer."""
        self.send(pdu(RELEASE_RQ))
        return self.receive()[0]

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                part = self._sock.recv(count - len(data))
            except ConnectionResetError:
                break
            if not part:
                break
            data += part
        return data


def echo(port: int) -> int:
    """A well-behaved C-ECHO on a new association; its status."""
    with RawPeer(port) as peer:
        peer.associate()
        peer.send(ECHO_RQ)
        status = peer.status()
        assert peer.release() == RELEASE_RP
        return status
