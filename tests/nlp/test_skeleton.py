"""Skeletons."""

import pytest

from nlp import mentions, skeleton
from nlp.sentences import Sentence
from nlp.thesaurus import Lexicon
from nlp.tokens import tokenize


def stripped(text: str, lexicon: Lexicon) -> skeleton.Skeleton:
    """The skeleton of a sentence."""
    tokens = tokenize(Sentence(text=text, start=0), lexicon.normal_form)
    return skeleton.strip(tokens, mentions.find(tokens, lexicon), lexicon)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No focal airspace consolidation, large left pleural effusion.", "no consolidation , effusion ."),
        ("XXXX opacities in the left base", "opacities in the left base"),
        ("The heart is mildly enlarged", "the heart is enlarged"),
    ],
)
def test_modifiers_before_a_mention_are_taken_away(text: str, expected: str, lexicon: Lexicon) -> None:
    """What is left is what a parser reads right."""
    assert " ".join(bone.word for bone in stripped(text, lexicon)) == expected


def test_a_word_that_affirms_opens_a_statement_only_in_a_list(lexicon: Lexicon) -> None:
    """In "no effusion, mild cardiomegaly" the second is affirmed, in "no mild cardiomegaly" it is not."""
    listed = stripped("No effusion, mild cardiomegaly", lexicon)
    plain = stripped("No mild cardiomegaly", lexicon)

    assert [bone.affirmed for bone in listed if bone.mentions] == [False, True]
    assert [bone.affirmed for bone in plain if bone.mentions] == [False]
