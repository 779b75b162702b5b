"""Mentions: where a sentence names a concept of the lexicon, before asking what it says of it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from nlp.phrases import Match
from nlp.thesaurus import Concept, Kind, Lexicon, Part
from nlp.tokens import Token

_APART = 9
_CLAUSE_ENDS = frozenset(("but", "however", "although", "though", "which", "while", "whereas", "except", "with"))
_COORDINATORS = frozenset((",", "and", "or", "/", "the"))
_LINKS = frozenset(("of", "the", "in", "a", "an"))

Parts = Sequence[Match[Part]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A concept named in a sentence.

    `first` and `last` are the tokens that the rules look at (`last` not included): the phrase, or in "the heart is
    mildly enlarged" the change alone. `start` and `end` are characters of the sentence, site and change together.
    """

    concept: Concept
    first: int
    last: int
    start: int
    end: int


def find(tokens: Sequence[Token], lexicon: Lexicon) -> tuple[Mention, ...]:
    """Name the concepts of a sentence from left to right; no token belongs to two phrases."""
    matches = tuple(lexicon.phrases.matches([token.normal for token in tokens]))
    found = [_mention(tokens, m.value, m.start, m.end) for m in matches if isinstance(m.value, Concept)]
    parts = [Match(value=m.value, start=m.start, end=m.end) for m in matches if isinstance(m.value, Part)]
    found += _joined(tokens, parts, lexicon)
    found.sort(key=lambda mention: (mention.first, mention.last))
    return tuple(mention for mention in found if mention.concept.kind is not Kind.DECOY)


def _joined(tokens: Sequence[Token], parts: Parts, lexicon: Lexicon) -> Iterator[Mention]:
    """Concepts in two places: each change with the sites it can be said of."""
    words = [token.normal for token in tokens]
    sites = [part for part in parts if part.value.is_site]
    for change in (part for part in parts if not part.value.is_site):
        seen: set[str] = set()
        for site in _sites_of(words, sites, change, lexicon.modifiers):
            concept = lexicon.joined.get((site.value.name, change.value.name))
            if concept is not None and concept.name not in seen:
                seen.add(concept.name)
                yield _mention(tokens, concept, change.start, change.end, site)


def _sites_of(
    words: Sequence[str], sites: Parts, change: Match[Part], modifiers: Collection[str]
) -> Iterator[Match[Part]]:
    """The site that the change stands before; else the nearest one before it in the clause, and those beside that."""
    after = next((site for site in sites if site.start >= change.end), None)
    if after is not None and all(word in modifiers or word in _LINKS for word in words[change.end : after.start]):
        yield after
        return
    limit = change.start
    for site in reversed([site for site in sites if site.end <= change.start]):
        gap = words[site.end : limit]
        beside = limit == change.start or _COORDINATORS.issuperset(gap)
        if len(gap) > _APART or _CLAUSE_ENDS.intersection(gap) or not beside:
            return
        yield site
        limit = site.start


def _mention(
    tokens: Sequence[Token], concept: Concept, first: int, last: int, site: Match[Part] | None = None
) -> Mention:
    low = min(first, site.start) if site else first
    high = max(last, site.end) if site else last
    return Mention(concept=concept, first=first, last=last, start=tokens[low].start, end=tokens[high - 1].end)
