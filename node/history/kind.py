"""What a file of a history is, by its content: HL7, CSV or plain text. Its name only parts text from other text."""

import re
from enum import StrEnum
from pathlib import Path

from node.history import columns
from node.history.entry import NoReportError

LOOKED_AT = 64 * 1024
"""Bytes of a file that decide."""
TEXT_SUFFIXES = (".txt", ".text")
_HL7 = re.compile(rb"[\s\x0b\x1c]*(?:MSH|FHS|BHS)[^A-Za-z0-9\r\n]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8 = b"\xef\xbb\xbf"
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MARKUP = ("<", "{\\rtf", "%PDF-")
_FEW_CONTROLS = 0.02
"""A text may have so many control characters, that somebody's system put in; what has more is something else."""


class Kind(StrEnum):
    """What a file holds."""

    HL7 = "hl7"
    CSV = "csv"
    TEXT = "text"


def kind_of(head: bytes, path: Path, encoding: str | None) -> tuple[Kind, str | None]:
    """Tell what a file is, and its encoding as far as its mark or the person said it.

    Args:
        head: its first LOOKED_AT bytes, unpacked.
        path: its name.
        encoding: what the person said.

    Raises:
        NoReportError: it is empty, or none of the three.
    """
    if not head.strip(b"\0\t\n\r \x0b\x0c" + _UTF8):
        raise NoReportError("the file is empty")
    if _HL7.match(head.removeprefix(_UTF8)):
        return Kind.HL7, encoding
    if encoding is None and head.startswith(_UTF16):
        encoding = "utf-16"
    text = head.decode(encoding or "latin-1", errors="replace").removeprefix("\ufeff")
    if len(_CONTROL.findall(text)) > _FEW_CONTROLS * len(text) + 1 or text.lstrip().startswith(_MARKUP):
        raise NoReportError("neither HL7, CSV nor plain text")
    suffix = suffixes(path)[-1:]
    line = next(iter(text.removeprefix(_UTF8.decode("latin-1")).lstrip().splitlines()), "")
    if suffix == [".csv"] or not columns.missing(columns.header(line, columns.delimiter(line))):
        return Kind.CSV, encoding
    if suffix and suffix[0] not in TEXT_SUFFIXES:
        raise NoReportError("neither HL7 nor CSV; plain text is read from files named .txt")
    return Kind.TEXT, encoding


def suffixes(path: Path) -> list[str]:
    """The suffixes of a name that say a kind, in small letters, `.gz` taken off; a number after a dot is none."""
    found = [suffix.lower() for suffix in path.suffixes]
    if found[-1:] == [".gz"]:
        found.pop()
    return [suffix for suffix in found[-1:] if re.fullmatch(r"\.[a-z][a-z0-9]{0,8}", suffix)]
