"""Tables as CSV files, harmless in a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

CsvOption = Annotated[
    Path | None,
    typer.Option(
        "--csv",
        help="Write a CSV file (UTF-8, columns as in --json). A cell that a spreadsheet would take for a formula, "
        "beginning with = + - @, begins with ' instead.",
    ),
]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a table with its columns' names; how many rows there were."""
    number = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([harmless(cell) for cell in row])
            number += 1
    return number


def harmless(cell: object) -> object:
    """The cell, as one that no spreadsheet computes.

    Accession numbers and names come from outside, and "=HYPERLINK(...)" in one would be run where the file is opened.
    An apostrophe before it makes it text (OWASP, CSV injection). Numbers stay as they are.
    """
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell
