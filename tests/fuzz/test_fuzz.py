"""Every target bears its corpus, and mutations of it that hypothesis chooses, with every run of the tests."""

import importlib
import random

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzzing

MUTATIONS = 100

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom warns of what is odd; the node silences it too


@pytest.fixture(autouse=True)
def _lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are read as they come, as the node has it."""
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)


@pytest.mark.parametrize("name", fuzzing.TARGETS)
def test_target_bears_its_corpus(name: str):
    """What was found once is found no more."""
    target = importlib.import_module(f"tests.fuzz.{name}")

    for data in fuzzing.known(target):
        target.check(data)

    assert fuzzing.corpus(name)


@pytest.mark.parametrize("name", fuzzing.TARGETS)
@settings(max_examples=MUTATIONS, derandomize=True)
@given(chance=st.randoms(use_true_random=False))
def test_target_bears_mutations(name: str, chance: random.Random):
    """What is sent is taken or refused, and nothing else happens; what is not borne is shown as small as it gets."""
    target = importlib.import_module(f"tests.fuzz.{name}")

    target.check(fuzzing.mutated(chance.choice(fuzzing.known(target)), chance))
