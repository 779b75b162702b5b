"""Every target bears its corpus, and some mutations of it, with every run of the tests."""

import importlib
import random

import pydicom
import pytest

from tests.fuzz import fuzzing

MUTATIONS = 150


@pytest.mark.parametrize("name", fuzzing.TARGETS)
@pytest.mark.filterwarnings("ignore")  # pydicom warns of what is odd; the node silences it too
def test_target_bears_its_corpus_and_mutations(name: str, monkeypatch: pytest.MonkeyPatch):
    """What is sent is taken or refused, and nothing else happens."""
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
    target = importlib.import_module(f"tests.fuzz.{name}")
    known = [*target.seeds(), *fuzzing.corpus(name)]
    chance = random.Random(name)

    for data in known:
        target.check(data)
    for _ in range(MUTATIONS):
        target.check(fuzzing.mutated(chance.choice(known), chance))
