"""The size a compressed image says of itself, read before any decoder is let near it.

A decoder allocates what the codestream asks for, whatever Rows and Columns say; both are held to the budget.
"""

import struct
from dataclasses import dataclass

JPEG_2000_START = b"\xff\x4f\xff\x51"
"""SOC and SIZ, which follow each other (ISO/IEC 15444-1 A.4.1, A.5.1); HTJ2K begins so too."""
START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
"""JPEG's SOF0 to SOF15 without DHT, JPG and DAC (ISO/IEC 10918-1 B.1.1.3), and JPEG-LS's SOF55 (14495-1)."""
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodestreamSize:
    """What a codestream's own header says."""

    rows: int
    columns: int
    components: int


def size_of(codestream: bytes) -> CodestreamSize | None:
    """Read the size from a JPEG, JPEG-LS, JPEG 2000 or HTJ2K codestream; None where it has none."""
    if codestream[:2] == b"\xff\xd8":
        return _jpeg(codestream)
    start = codestream.find(JPEG_2000_START, 0, 65536)  # a JP2 file puts boxes before it
    return _jpeg_2000(codestream, start) if start >= 0 else None


def _jpeg(codestream: bytes) -> CodestreamSize | None:
    """Walk the marker segments up to the frame header (ISO/IEC 10918-1 B.2.2)."""
    place = 2
    while place + 10 <= len(codestream):
        if codestream[place] != 0xFF:
            return None
        marker = codestream[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
        elif marker in WITHOUT_LENGTH:
            place += 2
        elif marker in START_OF_FRAME:
            rows, columns, components = struct.unpack_from(">HHB", codestream, place + 5)
            return CodestreamSize(rows=rows, columns=columns, components=components)
        else:
            (length,) = struct.unpack_from(">H", codestream, place + 2)
            place += 2 + max(length, 2)
    return None


def _jpeg_2000(codestream: bytes, start: int) -> CodestreamSize | None:
    """Read the SIZ segment (ISO/IEC 15444-1 A.5.1): the image area is the grid less its offset."""
    if start + 42 > len(codestream):
        return None
    x1, y1, x0, y0 = struct.unpack_from(">4I", codestream, start + 8)
    (components,) = struct.unpack_from(">H", codestream, start + 40)
    return CodestreamSize(rows=max(y1 - y0, 0), columns=max(x1 - x0, 0), components=components)
