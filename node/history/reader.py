"""From a path to what lies there: every report of every file, one after the other, whatever kind of file it is."""

import gzip
import io
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from node.errors import SettingsError
from node.history import document, folder, kind, table
from node.history.entry import Entry, NoReportError
from node.history.kind import Kind
from node.history.messages import MessageReader
from node.hl7.report import AccessionField

_GZIP = b"\x1f\x8b"
OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads files of all kinds.

    Attributes:
        accession_from: where the site's HL7 messages put the accession number.
        facility: the system that texts and CSV rows come from (see `plain.arrival`).
        encoding: of texts and CSV files; None for UTF-8, and Windows-1252 where that does not fit.
        max_bytes: the largest message, text or row.
        now: the clock.
        on_bytes: told how many bytes of the files have been read since it was told last.
    """

    accession_from: Sequence[AccessionField]
    facility: str
    encoding: str | None
    max_bytes: int
    now: Callable[[], datetime]
    on_bytes: OnBytes

    def read(self, paths: Iterable[Path]) -> Iterator[Entry]:
        """Every entry of these files and folders. A file that cannot be read is an entry, and the next goes on."""
        for path in folder.walk(paths):
            if isinstance(path, Entry):
                yield path
                continue
            try:
                yield from self._file(path)
            except NoReportError as error:
                yield Entry(place=str(path), refusal=error.reason)
            except UnicodeError:
                yield Entry(place=str(path), refusal=table.NOT_ENCODED)
            except (EOFError, gzip.BadGzipFile, zlib.error):
                yield Entry(place=str(path), refusal="cannot be unpacked")
            except OSError as error:
                yield Entry(place=str(path), refusal=folder.unreadable(error))

    def _file(self, path: Path) -> Iterator[Entry]:
        if not stat.S_ISREG(path.stat().st_mode):
            raise NoReportError("not a file")
        with path.open("rb", buffering=0) as raw:
            file = io.BufferedReader(cast(io.RawIOBase, _Counted(raw, self.on_bytes)), kind.LOOKED_AT)
            if file.peek(2)[:2] == _GZIP:
                file = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=file)), kind.LOOKED_AT)
            yield from self._content(file, path)

    def _content(self, file: "io.BufferedReader[io.RawIOBase]", path: Path) -> Iterator[Entry]:
        what, encoding = kind.kind_of(file.peek(kind.LOOKED_AT), path, self.encoding)
        if what is Kind.HL7:
            messages = MessageReader(accession_from=self.accession_from, max_bytes=self.max_bytes, now=self.now)
            yield from messages.read(cast(BinaryIO, file), str(path))
        elif what is Kind.CSV:
            lines = io.TextIOWrapper(file, encoding or "utf-8-sig", errors="surrogateescape", newline="")
            yield from table.read(
                lines,
                str(path),
                guess=encoding is None,
                facility=self.facility,
                longest=self.max_bytes,
                now=self.now,
            )
        else:
            yield self._document(file.read(self.max_bytes + 1), path, encoding)

    def _document(self, raw: bytes, path: Path, encoding: str | None) -> Entry:
        if len(raw) > self.max_bytes:
            raise NoReportError("a text above the size limit, hl7.max_message_mb")
        text = _decoded(raw, encoding)
        arrival = document.arrival(text, raw, path, facility=self.facility, received_at=self.now())
        return Entry(place=str(path), arrival=arrival)


def require_encoding(name: str | None) -> str | None:
    """The encoding, if Python knows one by this name.

    Raises:
        SettingsError: it does not, or it is one of bytes to bytes.
    """
    try:
        if name is not None:
            b"    ".decode(name, errors="replace")  # an empty one is decoded by any name
    except LookupError as error:
        raise SettingsError(f"there is no encoding {name!r}; name one like utf-8, cp1252 or utf-16") from error
    return name


def _decoded(raw: bytes, encoding: str | None) -> str:
    if encoding is not None:
        return raw.decode(encoding)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


class _Counted(io.RawIOBase):
    """A file that tells how much of it has been read."""

    def __init__(self, file: io.RawIOBase, on_bytes: OnBytes) -> None:
        self._file = file
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]  # any buffer; io gives this one
        number = self._file.readinto(buffer)
        self._on_bytes(number or 0)
        return number
