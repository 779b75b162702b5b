"""A report's text in pieces, so that a page can show on it what mining read there, and by which rule.

The pieces, joined, are the text. Where mentions overlap, a piece has the state that weighs most, and names them all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from db.report_records import MinedMention, Mining
from db.vocabulary import Assertion

LONGEST = 100_000
"""Characters of a text that a page shows; a browser is slow with more, and a person reads none of it."""

_WEIGHT = (Assertion.UNMENTIONED, Assertion.NEGATIVE, Assertion.UNCERTAIN, Assertion.POSITIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mention with its number on the page, from 1 in the order of the text. `decides` if a label is from it."""

    number: int
    mention: MinedMention
    decides: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some of the text, and the marks that lie over all of it; the first is of the state that weighs most."""

    text: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlighted:
    """A text in pieces, all its marks, and how many characters at its end are not shown."""

    pieces: tuple[Piece, ...]
    marks: tuple[Mark, ...]
    not_shown: int


def highlight(text: str, mining: Mining | None) -> Highlighted:
    """Lay a reading over the text that it is of; without one there are no marks."""
    shown = text[:LONGEST]
    marks = _marks(mining) if mining else ()
    marks = tuple(mark for mark in marks if mark.mention.end <= len(shown))
    return Highlighted(pieces=tuple(_pieces(shown, marks)), marks=marks, not_shown=len(text) - len(shown))


def _marks(mining: Mining) -> tuple[Mark, ...]:
    deciding = set(mining.labels.values())
    in_order = sorted(enumerate(mining.mentions), key=lambda each: (each[1].start, each[1].end))
    return tuple(
        Mark(number=number, mention=mention, decides=place in deciding)
        for number, (place, mention) in enumerate(in_order, 1)
    )


def _pieces(text: str, marks: Sequence[Mark]) -> Iterator[Piece]:
    """Cut at every begin and end. `marks` are in the order of their begins."""
    ends = (each.mention.end for each in marks)
    cuts = sorted({0, len(text), *(each.mention.start for each in marks), *ends})
    over: list[Mark] = []
    waiting = iter((*marks, None))
    coming = next(waiting)
    for start, end in pairwise(cuts):
        while coming is not None and coming.mention.start <= start:
            over.append(coming)
            coming = next(waiting)
        over = [each for each in over if each.mention.end > start]
        yield Piece(text=text[start:end], marks=tuple(sorted(over, key=_weight, reverse=True)))


def _weight(mark: Mark) -> tuple[bool, int]:
    """What counts as a finding weighs more than what only keeps a report from being Normal."""
    return mark.mention.finding is not None, _WEIGHT.index(mark.mention.assertion)
