"""One miner for all tests: its model takes a second to load."""

import pytest

from nlp import miner as module
from nlp.miner import Miner
from nlp.rulebook import Rulebook
from nlp.thesaurus import Lexicon


@pytest.fixture(scope="session")
def miner() -> Miner:
    """The miner as the product makes it."""
    pytest.importorskip("spacy")
    return module.load()


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    """The product's lexicon."""
    return module.thesaurus.load()


@pytest.fixture(scope="session")
def rules(lexicon: Lexicon) -> Rulebook:
    """The product's rules."""
    return module.rulebook.load(lexicon.normal_form)
