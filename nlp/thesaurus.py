"""The lexicon in use: concepts, and every phrase that stands for one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path

from db.vocabulary import FINDINGS, Code
from nlp import datafiles
from nlp.datafiles import ConceptEntry, LexiconFile, WordList
from nlp.errors import DataError
from nlp.phrases import PhraseTree
from nlp.sections import SectionName
from nlp.spelling import Spelling
from nlp.tokens import normal_form


class Kind(StrEnum):
    """What a concept is: only a disease vetoes Normal by the paper; a decoy is a phrase that means no concept."""

    DISEASE = "disease"
    DEVICE = "device"
    DECOY = "decoy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A thing that a report can assert; `finding` is the label it counts as, None where it has none.

    `hedge` is the rule that decides a mention where no other does.
    """

    name: str
    code: Code
    kind: Kind
    finding: str | None
    hedge: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Half of a concept that is worded in two places: a site (the heart) or a change of one (is enlarged)."""

    name: str
    is_site: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """All that mining knows of words. `normal_form` gives the form in which the others are written."""

    phrases: PhraseTree[Concept | Part]
    joined: Mapping[tuple[str, str], Concept]
    modifiers: frozenset[str]
    affirming: frozenset[str]
    headings: Mapping[str, SectionName]
    normal: frozenset[str]
    english: frozenset[str]
    foreign: frozenset[str]
    normal_form: Callable[[str], str]
    version: str


def load(folder: Path = datafiles.LEXICON) -> Lexicon:
    """Read the lexicon's files.

    Raises:
        DataError: A file is not what it must be; the sentence says which and why.
    """
    files = datafiles.read(folder, LexiconFile)
    groups = {entry.name: entry.phrases for file in files for entry in file.group}
    spelling = {wrong: right for file in files for wrong, right in file.spelling.items()}
    plain = partial(normal_form, spelling=spelling)
    modifiers = frozenset(plain(word) for file in files for word in chain(file.modifiers, file.affirming))
    tree: PhraseTree[Concept | Part] = PhraseTree(plain, groups, modifiers)
    joined: dict[tuple[str, str], Concept] = {}
    datafiles.unique("lexicon", (entry.name for file in files for entry in file.concept))
    for file in files:
        _add_parts(tree, file.site, is_site=True)
        _add_parts(tree, file.change, is_site=False)
        for entry in file.concept:
            _add_concept(tree, joined, entry)
    english = frozenset(plain(word) for file in files for word in file.english)
    return Lexicon(
        phrases=tree,
        joined=joined,
        modifiers=modifiers,
        affirming=frozenset(plain(word) for file in files for word in file.affirming),
        headings={heading: name for file in files for heading, name in file.headings.items()},
        normal=frozenset(plain(word) for file in files for word in file.normal),
        english=english | tree.words,
        foreign=frozenset(word for file in files for word in file.foreign),
        normal_form=Spelling(tree.words, english, plain),
        version=datafiles.version(folder),
    )


def _add_parts(tree: PhraseTree[Concept | Part], lists: tuple[WordList, ...], *, is_site: bool) -> None:
    for entry in lists:
        for phrase in entry.phrases:
            _add(tree, phrase, Part(name=entry.name, is_site=is_site))


def _add_concept(tree: PhraseTree[Concept | Part], joined: dict[tuple[str, str], Concept], entry: ConceptEntry) -> None:
    if entry.finding is not None and entry.finding not in FINDINGS:
        raise DataError("lexicon", f"{entry.name}: {entry.finding} is no finding of the vocabulary")
    code = Code(value=entry.code, scheme=entry.scheme, meaning=entry.name)
    concept = Concept(name=entry.name, code=code, kind=Kind(entry.kind), finding=entry.finding, hedge=entry.hedge)
    for phrase in entry.phrases:
        _add(tree, phrase, concept)
    for pair in entry.joined:
        site, _, change = pair.partition("+")
        joined[site, change] = concept


def _add(tree: PhraseTree[Concept | Part], phrase: str, value: Concept | Part) -> None:
    try:
        tree.add(phrase, value)
    except KeyError as error:
        raise DataError("lexicon", f"{phrase}: there is no group {error}") from error
