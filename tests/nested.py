"""Sequences nested without end, as a hostile peer sends them."""

import struct

OPEN_SEQUENCE = struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
OPEN_ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
CLOSE = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
PATIENT_NAME = struct.pack("<HH", 0x0010, 0x0010)


def with_nested(data_set: bytes, depth: int) -> bytes:
    """The Explicit VR Little Endian data set with sequences so deep, of undefined length, before Patient's Name."""
    place = data_set.index(PATIENT_NAME)
    nested = (OPEN_SEQUENCE + OPEN_ITEM) * depth + CLOSE * depth
    return data_set[:place] + nested + data_set[place:]
