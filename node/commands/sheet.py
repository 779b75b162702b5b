"""The option that writes a table into a CSV file."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from node.labels import spreadsheets

CsvOption = Annotated[
    Path | None,
    typer.Option(
        "--csv",
        help="Write a CSV file (UTF-8, columns as in --json). A cell that a spreadsheet would take for a formula, "
        "beginning with = + - @, begins with ' instead.",
    ),
]


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a table with its columns' names; how many rows there were."""
    number = -1
    with path.open("w", newline="", encoding="utf-8") as file:
        for line in spreadsheets.lines(columns, rows):
            file.write(line)
            number += 1
    return number
