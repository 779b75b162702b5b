"""What a card says in words."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.training.tiny import write_snapshot
from training import words
from training.errors import TrainingError


def test_words_of_a_snapshot(tmp_path) -> None:
    """Any snapshot can be described."""
    said = words.of_snapshot(write_snapshot(tmp_path / "s", images=10))

    assert said.source == "10 frontal radiographs of 8 patients from 1 sources, snapshot of 2026-01-01"


def test_words_of_the_starter_are_whole() -> None:
    """The file of the shipped model's words is read, and thanks the NIH."""
    said = words.read(Path(words.__file__).parent / "starter.toml")

    assert "NIH Clinical Center" in said.attribution[0]


@pytest.mark.parametrize("text", ["source = 1", "licence = 'a'", "source = 'a'\nother = 'b'", "source = ", "\xff"])
def test_other_files_are_refused(tmp_path, text) -> None:
    """No source, an unknown word, no TOML: a sentence."""
    (tmp_path / "w.toml").write_text(text, "latin-1")

    with pytest.raises(TrainingError, match=r"w.toml"):
        words.read(tmp_path / "w.toml")
