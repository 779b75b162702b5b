"""What can be mined at all."""

import pytest

from nlp import language
from nlp.language import Readability
from nlp.thesaurus import Lexicon


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The lungs are clear.", Readability.MINED),
        ("Cardiomegaly.", Readability.MINED),
        ("XXXX", Readability.EMPTY),
        ("12. 3/4", Readability.EMPTY),
        ("", Readability.EMPTY),
        ("Pas de pneumothorax. Le coeur est normal.", Readability.NOT_ENGLISH),
        ("Herz normal, Lunge ohne Infiltrat.", Readability.NOT_ENGLISH),
        ("心脏大小正常", Readability.NOT_ENGLISH),
    ],
)
def test_only_english_words_can_be_mined(text: str, expected: Readability, lexicon: Lexicon) -> None:
    """Numbers, redactions and other languages are told from English."""
    assert language.judge(text, lexicon) is expected
