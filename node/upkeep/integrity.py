"""Whether a file of the store is what its row says: every byte of an instance's data set, and of a result."""

import errno
import hashlib
import io
from pathlib import Path
from typing import Any

from db.records import Absence, Holding, StoredFile, StoredInstance
from db.result_records import Result
from node.file_meta import Origin, file_meta

AT_ONCE = 256 * 1024
"""Bytes that are read and digested at a time: few enough to be in the processor's cache for both."""


def of(row: StoredInstance | Result) -> StoredFile:
    """The file of an instance or of a result."""
    received = isinstance(row, StoredInstance)
    return StoredFile(
        kind=Holding.INSTANCE if received else Holding.RESULT,
        id=row.id,
        sop_class_uid=row.sop_class_uid,
        sop_instance_uid=row.sop_instance_uid,
        transfer_syntax_uid=row.transfer_syntax_uid if isinstance(row, StoredInstance) else "",
        path=row.path,
        size=row.size,
        sha256=row.sha256,
        absence=row.absence,
    )


def fault(path: Path, file: StoredFile) -> Absence | None:
    """What is the matter with a file; None if it is whole.

    Raises:
        OSError: nobody can tell: it may not be read, or the disk is away.
    """
    try:
        with ComparedFile(path.open("rb", buffering=0), file) as compared:
            return compared.fault()
    except FileNotFoundError:
        return Absence.MISSING


class ComparedFile(io.RawIOBase):
    """A file that is compared with its row as somebody reads it, so that its bytes are had once for both.

    Whoever goes back gets bytes that are digested already; what is left out is read and digested at the end.
    """

    def __init__(self, stream: io.FileIO, file: StoredFile) -> None:
        """Begin with the first byte of a file that was opened without a buffer; it is closed with this."""
        super().__init__()
        self.name = str(stream.name)  # pydicom asks for it
        self._stream = stream
        self._file = file
        self._expected = _begin(file)
        self._begin = b""
        self._digest = hashlib.sha256()
        self._at = self._digested = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere in the file."""
        self._at = self._stream.seek(offset, whence)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; those that come next to what was digested are digested."""
        view = memoryview(buffer).cast("B")[:AT_ONCE]
        number = self._stream.readinto(view)
        known = self._digested - self._at
        if 0 <= known < number:
            self._take(view[known:number])
        self._at += number
        return number

    def fault(self) -> Absence | None:
        """What is the matter with the file, whose other bytes are read now; None if it is whole.

        Raises:
            OSError: nobody can tell.
        """
        rest = bytearray(AT_ONCE)
        try:
            self.seek(self._digested)
            while self.readinto(rest):
                pass
        except OSError as error:
            if error.errno != errno.EIO:  # a bad sector
                raise
            return Absence.DAMAGED
        whole = self._begin == self._expected and self._digest.hexdigest() == self._file.sha256
        return None if whole else Absence.DAMAGED

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()

    def _take(self, data: memoryview) -> None:
        before = max(len(self._expected) - self._digested, 0)
        self._begin += data[:before]
        self._digest.update(data[before:])
        self._digested += len(data)


def length(file: StoredFile) -> int:
    """How many bytes the file has."""
    return file.size + len(_begin(file))


def _begin(file: StoredFile) -> bytes:
    """What lies before the bytes of the digest: nothing, or an instance's File Meta Information, which we wrote."""
    if file.kind is Holding.RESULT:
        return b""
    return file_meta(
        Origin(
            sop_class_uid=file.sop_class_uid,
            sop_instance_uid=file.sop_instance_uid,
            transfer_syntax_uid=file.transfer_syntax_uid,
            calling_ae="",
            calling_address="",
        )
    )
