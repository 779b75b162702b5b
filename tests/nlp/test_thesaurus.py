"""The lexicon: its own consistency, and what it refuses."""

from pathlib import Path

import pytest

from db.vocabulary import FINDINGS
from nlp import datafiles, thesaurus
from nlp.datafiles import LexiconFile
from nlp.errors import DataError
from nlp.thesaurus import Lexicon


def test_every_finding_of_the_vocabulary_has_a_concept() -> None:
    """The eight and the six more can all be mined."""
    entries = [entry for file in datafiles.read(datafiles.LEXICON, LexiconFile) for entry in file.concept]

    assert {entry.finding for entry in entries if entry.finding} == set(FINDINGS)


def test_pericardial_effusion_is_an_effusion_with_a_code_of_its_own() -> None:
    """The paper counts it as Effusion; a PACS must never be told it is pleural."""
    entries = [entry for file in datafiles.read(datafiles.LEXICON, LexiconFile) for entry in file.concept]

    (entry,) = (entry for entry in entries if entry.name == "Pericardial effusion")

    assert (entry.finding, entry.code) == ("Effusion", "373945007")
    assert entry.code != FINDINGS["Effusion"].code.value


def test_joined_pairs_name_sites_and_changes_that_are_there() -> None:
    """A misspelt pair would never match."""
    files = datafiles.read(datafiles.LEXICON, LexiconFile)
    sites = {entry.name for file in files for entry in file.site}
    changes = {entry.name for file in files for entry in file.change}

    pairs = [pair.split("+") for file in files for entry in file.concept for pair in entry.joined]

    assert [pair for pair in pairs if pair[0] not in sites or pair[1] not in changes] == []


def test_codes_of_the_findings_are_those_of_the_vocabulary() -> None:
    """One finding has one code, whether a radiologist or the model says it."""
    entries = [entry for file in datafiles.read(datafiles.LEXICON, LexiconFile) for entry in file.concept]

    for finding in FINDINGS.values():
        assert finding.code.value in {entry.code for entry in entries if entry.finding == finding.name}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[concept]]\nname = "A"\ncode = "1"\nfinding = "Gout"', "Gout is no finding"),
        ('[[concept]]\nname = "A"\ncode = "1"\nphrases = ["{nothing} there"]', "no group 'nothing'"),
        (2 * '[[concept]]\nname = "A"\ncode = "1"\n', "A is there twice"),
        ('[[concept]]\nname = "A"\n', "code"),
    ],
)
def test_a_broken_lexicon_is_refused_with_what_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    """Who edits the lexicon learns what is the matter."""
    (tmp_path / "lexicon.toml").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=problem):
        thesaurus.load(tmp_path)


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("Pneumothoraces", "pneumothorax"),
        ("MASSES", "mass"),
        ("opacities", "opacity"),
        ("effusions", "effusion"),
        ("scoliosis", "scoliosis"),
        ("atelectases", "atelectasis"),
        ("shows", "show"),
        ("pnuemothorax", "pneumothorax"),
        ("cardiomegaley", "cardiomegaly"),
        ("hemithorax", "hemithorax"),
        ("infusion", "infusion"),
    ],
)
def test_words_come_to_their_normal_form(lexicon: Lexicon, word: str, normal: str) -> None:
    """Plurals, capitals and a wrong letter do not hide a word; a word of its own stays."""
    assert lexicon.normal_form(word) == normal
