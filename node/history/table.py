"""Reports in a CSV file, a row each, read line by line.

A quote that does not close would take the rest of the file for one value. So a row that is no CSV is given up alone,
and reading goes on with the line after the one that it began in.
"""

import csv
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from db.report_records import MessageArrival
from node.history import columns, plain
from node.history.entry import Entry, NoReportError

MESSAGE_TYPE = "CSV"
NOT_ENCODED = "not in the encoding that was given"


@dataclass(slots=True, kw_only=True)
class _Lines:
    """The lines of a file, some of which may be given back; `number` is that of the last one taken."""

    file: TextIO
    longest: int
    guess: bool
    number: int = 0
    taken: list[str] = field(default_factory=list)
    size: int = 0
    back: deque[str] = field(default_factory=deque)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.back.popleft() if self.back else self.file.readline(self.longest + 1)
        line = _of_one_encoding(line) if self.guess else line
        self.size += len(line)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        if self.size > self.longest:
            raise csv.Error
        return line.replace("\0", "")

    def begin(self) -> None:
        """A row begins after what was taken."""
        self.taken.clear()
        self.size = 0

    def give_back(self) -> None:
        """All that was taken for this row but its first line."""
        self.number -= len(self.taken) - 1
        self.back.extendleft(reversed(self.taken[1:]))


def read(
    file: TextIO, name: str, *, guess: bool, facility: str, longest: int, now: Callable[[], datetime]
) -> Iterator[Entry]:
    """Every row of a CSV file.

    Args:
        file: opened without translation of line ends; bytes that are not of its encoding are lone surrogates.
        name: for the places.
        guess: it was opened as UTF-8 because nobody knows better.
        facility: the system that the reports come from.
        longest: characters that a row may have.
        now: the clock.
    """
    csv.field_size_limit(longest)
    lines = _Lines(file=file, longest=longest, guess=guess)
    try:
        first = next((line for line in lines if line.strip()), "")
    except csv.Error:
        first = ""
    separator = columns.delimiter(first)
    header = columns.header(first, separator)
    if lacking := columns.missing(header):
        yield Entry(place=name, refusal=f"the first line needs the columns {lacking}")
        return
    while True:
        lines.begin()
        place = f"{name} line {lines.number + 1}"
        try:
            row = _row(lines, separator, len(header))
            if row is None:
                return
            if any(cell.strip() for cell in row):
                yield Entry(place=place, arrival=_arrival(row, header, facility, now()))
        except csv.Error:
            lines.give_back()
            yield Entry(place=place, refusal="a row that is no CSV: a quote that does not close, or too long")
        except NoReportError as error:
            yield Entry(place=place, refusal=error.reason)


def _row(lines: _Lines, separator: str, width: int) -> list[str] | None:
    """The next row. One of several lines with too many or few columns is a quote that closed by accident."""
    row = next(csv.reader(lines, delimiter=separator, strict=True), None)
    if row is not None and len(row) != width and len(lines.taken) > 1:
        raise csv.Error
    return row


def _arrival(row: list[str], header: list[str | None], facility: str, received_at: datetime) -> MessageArrival:
    if len(row) != len(header):
        raise NoReportError("not as many columns as the first line")
    if any("\ud800" <= letter <= "\udfff" for cell in row if not cell.isascii() for letter in cell):
        raise NoReportError(NOT_ENCODED)
    fields = plain.cleaned({name: cell for name, cell in zip(header, row, strict=True) if name})
    raw = json.dumps(fields, ensure_ascii=False, sort_keys=True).encode()
    return plain.arrival(fields, message_type=MESSAGE_TYPE, raw=raw, facility=facility, received_at=received_at)


def _of_one_encoding(line: str) -> str:
    """A line of what is no UTF-8 as Windows-1252, which is what other files are in."""
    if line.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in line):
        return line
    return line.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
