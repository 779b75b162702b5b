"""Fuzz the header of a data set as it arrives: the first byte chooses the transfer syntax."""

from contextlib import suppress
from io import BytesIO

from node import header
from node.dicom.acceptance import TRANSFER_SYNTAXES
from node.errors import RefusedError
from tests.node.dicom.raw import Image


class Arrived:
    """An object in the store, whole, that is in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def open(self, _mode: str) -> BytesIO:
        """Read it."""
        return BytesIO(self._data)


def seeds() -> list[bytes]:
    """An image's header, in Explicit VR."""
    return [b"\0" + Image().data[:1500]]


def check(data: bytes) -> None:
    """The header is read or the object refused."""
    syntax = TRANSFER_SYNTAXES[(data[:1] or b"\0")[0] % len(TRANSFER_SYNTAXES)]
    with suppress(RefusedError):
        ds = header.read(bytearray(data[1:200]), Arrived(data[1:]), 0, syntax)  # type: ignore[arg-type]
        for tag in header.HEADER_TAGS:
            header.text(ds, tag)
