"""Tables as CSV, harmless in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table line by line (RFC 4180), the columns' names first."""
    for row in chain([columns], rows):
        line = io.StringIO()
        csv.writer(line).writerow([harmless(cell) for cell in row])
        yield line.getvalue()


def harmless(cell: object) -> object:
    """The cell, as one that no spreadsheet computes.

    Accession numbers and names come from outside, and "=HYPERLINK(...)" in one would be run where the file is opened.
    An apostrophe before it makes it text (OWASP, CSV injection). Numbers stay as they are.
    """
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell
