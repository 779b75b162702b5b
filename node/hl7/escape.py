"""Delimiters, and the escape sequences that stand for them and for the layout of text (HL7 v2.8 §2.7)."""

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_REPEAT = 99
"""Spaces or lines that one formatting command may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """MSH-1 and MSH-2; each is one ASCII character, none is a letter, a digit or a control character."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def encoding_characters(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent


STANDARD = Delimiters()


def unescape(text: str, delimiters: Delimiters, codec: str = "utf-8") -> str:
    r"""Replace escape sequences by what they stand for; what is no escape sequence stays as it is.

    `\.br\`, `\.sp\` and `\.ce\` end lines, `\X..\` is bytes in the message's character set. Highlighting, indents
    and switches of character set are dropped.
    """
    if delimiters.escape not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        return _plain(match[1], delimiters, codec)

    return _sequence(delimiters.escape).sub(plain, text)


def escape(text: str, delimiters: Delimiters) -> str:
    """The text as a field may carry it; `unescape` gives it back."""
    names = {
        delimiters.escape: "E",
        delimiters.field: "F",
        delimiters.component: "S",
        delimiters.repetition: "R",
        delimiters.subcomponent: "T",
    }
    if "." not in names:  # it would break the message apart where it is a delimiter
        names["\n"] = ".br"

    def written(match: re.Match[str]) -> str:
        character = match[0]
        return delimiters.escape + names.get(character, f"X{ord(character):02X}") + delimiters.escape

    return re.sub("[" + re.escape("".join(names)) + "\x00-\x1f]", written, text)


@lru_cache(maxsize=16)
def _sequence(character: str) -> re.Pattern[str]:
    e = re.escape(character)
    commands = r"\.(?:br|ce|fi|nf|(?:sp|sk|in|ti) ?[+-]?[0-9]{0,4})"
    return re.compile(rf"{e}([FSTREPHN]|(?i:{commands})|X(?:[0-9A-Fa-f]{{2}})+|[CM](?:[0-9A-Fa-f]{{2}}){{2,3}}){e}")


def _plain(sequence: str, delimiters: Delimiters, codec: str) -> str:
    if sequence[0] == "X":
        return bytes.fromhex(sequence[1:]).decode(codec, errors="replace")
    if sequence[0] == ".":
        return _layout(sequence[1:3].lower(), sequence[3:].strip(" +-"))
    return {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "P": "#",
    }.get(sequence, "")


def _layout(command: str, number: str) -> str:
    repeat = min(int(number or 1), MAX_REPEAT)
    if command in {"br", "ce"}:
        return "\n"
    if command == "sp":
        return "\n" * repeat
    return " " * repeat if command == "sk" else ""
