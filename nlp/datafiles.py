"""The lexicon and the rules as they lie on disk: TOML, checked by pydantic, with a version that names the content."""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.vocabulary import Assertion
from nlp.errors import DataError
from nlp.sections import SectionName

HERE = Path(__file__).parent
LEXICON = HERE / "lexicon"
RULES = HERE / "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The folders that a miner is made of; without others those that come with the product."""

    lexicon: Path = LEXICON
    rules: Path = RULES


SHIPPED = Sources()

Words = tuple[str, ...]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConceptEntry(_Entry):
    """A concept: its code, the finding it counts as (none: it only vetoes Normal), and how reports word it.

    `joined` are `site+change` pairs: words that lie apart, as in "the heart is mildly enlarged".
    `hedge` is the rule that decides where no other does: for wordings that hold their own doubt.
    """

    name: str
    code: str
    scheme: str = "SCT"
    finding: str | None = None
    kind: Literal["disease", "device", "decoy"] = "disease"
    hedge: str | None = None
    phrases: Words = ()
    joined: tuple[Annotated[str, Field(pattern=r"^\w+\+\w+$")], ...] = ()


class WordList(_Entry):
    """A named list of phrases: a group, a site, a change."""

    name: str
    phrases: Words


class LexiconFile(_Entry):
    """One file of the lexicon; the files are read as one."""

    concept: tuple[ConceptEntry, ...] = ()
    group: tuple[WordList, ...] = ()
    site: tuple[WordList, ...] = ()
    change: tuple[WordList, ...] = ()
    modifiers: Words = ()
    affirming: Words = ()
    spelling: dict[str, str] = {}
    headings: dict[str, SectionName] = {}
    normal: Words = ()
    english: Words = ()
    foreign: Words = ()


class SurfaceRuleEntry(_Entry):
    """A cue that speaks for the mentions after it or before it.

    `reach` is how many tokens far at most; `stops` are words that end it besides the common ones, and `lists`
    says whether it goes on through a comma or an `and`.
    """

    id: Identifier
    state: Assertion
    coded: Assertion | None = None
    cues: Words
    direction: Literal["forward", "backward", "sentence"] = "forward"
    reach: int = 40
    lists: bool = True
    stops: Words = ()
    examples: Words


class GraphRuleEntry(_Entry):
    """A path in the propagated dependency graph that begins at the mention D, as the paper's supplement writes them."""

    id: Identifier
    state: Assertion
    coded: Assertion | None = None
    paths: Words
    examples: Words


class RulesFile(_Entry):
    """One file of rules; the files are read as one."""

    group: tuple[WordList, ...] = ()
    surface: tuple[SurfaceRuleEntry, ...] = ()
    graph: tuple[GraphRuleEntry, ...] = ()
    stops: Words = ()
    between: Words = ()
    openers: Words = ()
    clause_verbs: Words = ()


T = TypeVar("T", bound=_Entry)


def read(folder: Path, model: type[T]) -> tuple[T, ...]:
    """Read every TOML file of a folder.

    Raises:
        DataError: A file is not TOML or says something else than its model allows.
    """
    return tuple(_read_one(path, model) for path in _files(folder))


def version(folder: Path) -> str:
    """The first twelve hexadecimal digits of the SHA-256 over a folder's files: what was mined with exactly these."""
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def unique(what: str, names: Iterable[str]) -> None:
    """Refuse a name that is there twice.

    Raises:
        DataError: It is.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(what, f"{name} is there twice")
        seen.add(name)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml"))


def _read_one(path: Path, model: type[T]) -> T:
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise DataError(path.name, str(error)) from error
