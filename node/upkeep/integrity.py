"""Whether a file of the store is what its row says: every byte of an instance's data set, and of a result."""

import errno
import hashlib
from pathlib import Path

from db.records import Absence, Holding, StoredFile, StoredInstance
from db.result_records import Result
from node.intake import Origin, file_meta


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
        with path.open("rb") as stream:
            before = path.stat().st_size - file.size
            whole = stream.read(max(before, 0)) == _begin(file)
            whole = hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256 and whole
    except FileNotFoundError:
        return Absence.MISSING
    except OSError as error:
        if error.errno != errno.EIO:  # a bad sector
            raise
        return Absence.DAMAGED
    return None if whole else Absence.DAMAGED


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
