"""The miner of the product: its language model takes a second to load, so all tests share one."""

import pytest

from nlp import miner
from nlp.miner import Miner


@pytest.fixture(scope="session")
def loaded_miner() -> Miner:
    """The miner as the product makes it, where the language model is installed."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    return miner.load()
