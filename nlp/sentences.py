"""A section's sentences, each with its place; in reports a line, a list number and a semicolon end one as well."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST = 1200
_ABBREVIATIONS = ("dr", "mr", "mrs", "ms", "vs", "approx", "e.g", "i.e", "st", "fig", "cf")
_BOUNDARY = re.compile(
    r"(?P<stop>[.!]+)(?=\s|$)"
    r"|(?<=\w)(?P<question>[?]+)(?=\s+[A-Z]|\s*$)"  # not: opacity ? pneumonia
    r"|(?<=[a-z)])(?P<tight>\.)(?=[A-Z])"  # normal.The lungs
    r"|(?P<semicolon>;)"
    r"|(?P<line>[ \t]*\r?\n\s*)"
)
_NEW_LINE_STARTS = re.compile(r"[A-Z\d*•>#-]")
_GOES_ON = re.compile(r"(?:,|\b(?:of|the|a|an|and|or|no|with|without|to|in|for|is|are|by|at|on))[ \t]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence as written and the place of its first character in its section's text."""

    text: str
    start: int


def split(text: str) -> Iterator[Sentence]:
    """Cut a section into sentences, none empty, none longer than 1,200 characters."""
    begin = 0
    for match in _BOUNDARY.finditer(text):
        if _ends_here(text, begin, match):
            yield from _pieces(text, begin, match.end())
            begin = match.end()
    yield from _pieces(text, begin, len(text))


def _ends_here(text: str, begin: int, match: re.Match[str]) -> bool:
    if match.lastgroup == "stop":
        words = text[max(begin, match.start() - 12) : match.start()].split()
        return not words or words[-1].lower().lstrip("(") not in _ABBREVIATIONS
    if match.lastgroup == "line":
        return _line_ends(text[begin : match.start()], text[match.end() : match.end() + 1], match.group())
    return True


def _line_ends(before: str, after: str, gap: str) -> bool:
    """Whether a line break ends a sentence: not where the line was only wrapped."""
    if gap.count("\n") > 1:
        return True
    return bool(_NEW_LINE_STARTS.match(after)) and not _GOES_ON.search(before[-20:])


def _pieces(text: str, begin: int, end: int) -> Iterator[Sentence]:
    while begin < end:
        stop = end
        if end - begin > _LONGEST:
            stop = max(text.rfind(" ", begin, begin + _LONGEST), text.rfind(",", begin, begin + _LONGEST)) + 1
            stop = stop if stop > begin else begin + _LONGEST
        piece = text[begin:stop]
        if words := piece.strip():
            yield Sentence(text=words, start=begin + piece.index(words))
        begin = stop
