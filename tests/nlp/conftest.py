"""One miner for all tests: its model takes a second to load."""

import pytest

from nlp import miner as module
from nlp import rulebook, thesaurus
from nlp.miner import Miner
from nlp.parser import Parser
from nlp.rulebook import Rulebook
from nlp.thesaurus import Lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    """The product's lexicon."""
    return thesaurus.load()


@pytest.fixture(scope="session")
def rules(lexicon: Lexicon) -> Rulebook:
    """The product's rules."""
    return rulebook.load(lexicon.normal_form)


@pytest.fixture(scope="session")
def parser() -> Parser:
    """The language model, where it is installed."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    return Parser()


@pytest.fixture(scope="session")
def miner(lexicon: Lexicon, rules: Rulebook, parser: Parser) -> Miner:
    """The miner as the product makes it."""
    return module.Miner(lexicon, rules, parser)
