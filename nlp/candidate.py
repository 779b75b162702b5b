"""A lexicon or rules that are not in force: the shipped files with one of them replaced."""

import shutil
from pathlib import Path

from nlp import datafiles, rulebook, thesaurus
from nlp.datafiles import SHIPPED, Sources
from nlp.errors import DataError


def files() -> tuple[str, ...]:
    """What can be replaced, as "rules/negation.toml"."""
    folders = (SHIPPED.lexicon, SHIPPED.rules)
    return tuple(f"{folder.name}/{path.name}" for folder in folders for path in sorted(folder.glob("*.toml")))


def shipped(file: str) -> str:
    """The text of one of the files.

    Raises:
        DataError: there is no such file.
    """
    if file not in files():
        raise DataError(file, f"there is no such file; there are {', '.join(files())}")
    return (datafiles.HERE / file).read_text(encoding="utf-8")


def replaced(folder: Path, file: str, text: str) -> Sources:
    """Write a copy of all files into an empty folder, with this text in place of one of them, and read it once.

    Raises:
        DataError: there is no such file, it is the same as the one in force, or it is not what it must be.
    """
    if _plain(shipped(file)) == _plain(text):
        raise DataError(file, "it is the file in force; change it first")
    sources = Sources(lexicon=folder / SHIPPED.lexicon.name, rules=folder / SHIPPED.rules.name)
    shutil.copytree(SHIPPED.lexicon, sources.lexicon)
    shutil.copytree(SHIPPED.rules, sources.rules)
    (folder / file).write_text(_plain(text), encoding="utf-8")
    lexicon = thesaurus.load(sources.lexicon)
    rulebook.load(lexicon.normal_form, sources.rules)
    return sources


def _plain(text: str) -> str:
    """A form sends line ends as CR LF."""
    return text.replace("\r\n", "\n").rstrip() + "\n"
