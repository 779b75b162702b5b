"""The language model."""

import subprocess
import sys

import pytest

from nlp.errors import ModelMissingError
from nlp.parser import Parser


def test_trees_come_in_the_order_of_the_sentences(parser: Parser) -> None:
    """Parsing by length does not show."""
    sentences = [["the", "lungs", "are", "clear"], ["no", "effusion"], []]

    trees = parser.parse(sentences)

    assert [len(tree) for tree in trees] == [4, 2, 0]
    assert trees[1][0].head == 1


def test_a_model_that_is_not_there_is_named() -> None:
    """The sentence says what to install."""
    pytest.importorskip("spacy")

    with pytest.raises(ModelMissingError, match="no_such_model is not installed"):
        Parser("no_such_model")


def test_torch_is_not_brought_in_and_can_be_imported_after() -> None:
    """Mining does not pay for torch; training in the same process still can."""
    pytest.importorskip("spacy")
    code = "import sys; from nlp.parser import Parser; Parser(); assert 'torch' not in sys.modules; print('done')"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
