"""Tables and headings of a Markdown document."""

import re
from collections.abc import Iterable, Sequence

HEADING = re.compile(r"^(##+) (.+)$", re.MULTILINE)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "None.") -> str:
    """A table, or the sentence `empty` where there is nothing in it."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(columns), "|" + "---|" * len(columns), *lines]) if lines else empty


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(cell: object) -> str:
    return " ".join(("" if cell is None else str(cell)).split()).replace("|", "\\|")


def code(text: object) -> str:
    """A value that stands in the code, in a file or on the wire as it is."""
    return f"`{text}`"


def contents(document: str) -> str:
    """The table of contents: links to the headings of the second to the fourth level."""
    found = [(len(match[1]), match[2]) for match in HEADING.finditer(document)]
    return "\n".join(f"{'  ' * (level - 2)}* [{title}](#{_anchor(title)})" for level, title in found if level <= 4)


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
