"""The File Meta Information that the node writes before a data set, from what its sender said of it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from node.process.implementation import IMPLEMENTATION_CLASS_UID


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the association and the C-STORE command say of an instance."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae: str
    calling_address: str


def file_meta(origin: Origin) -> bytes:
    """Preamble of zeros, prefix and File Meta Information for a data set (DICOM PS3.10 section 7.1).

    Stored files are verified against it, so whoever changes it has to know the older ones too
    (`node.upkeep.integrity`). Hand-cut: pydicom takes longer to write these five elements than the disk to store the
    image.
    """
    elements = b"".join(_file_meta_elements(origin))
    group_length = struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(elements))
    return bytes(128) + b"DICM" + group_length + elements


def _file_meta_elements(origin: Origin) -> Iterator[bytes]:
    yield struct.pack("<HH2sHL", 2, 1, b"OB", 0, 2) + b"\0\1"
    for element, uid in (
        (0x0002, origin.sop_class_uid),
        (0x0003, origin.sop_instance_uid),
        (0x0010, origin.transfer_syntax_uid),
        (0x0012, IMPLEMENTATION_CLASS_UID),
    ):
        value = uid.encode("ascii")
        value += b"\0" * (len(value) % 2)
        yield struct.pack("<HH2sH", 2, element, b"UI", len(value)) + value
