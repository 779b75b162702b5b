"""Phrases on words."""

from nlp.phrases import Match, PhraseTree, wordings


def tree(*phrases: str) -> PhraseTree[str]:
    """A tree whose phrases stand for themselves; `left` may stand inside any."""
    made: PhraseTree[str] = PhraseTree(str.lower, {"heart": ["heart", "cardiac silhouette"]}, ["left", "large"])
    for phrase in phrases:
        made.add(phrase, phrase)
    return made


def found(made: PhraseTree[str], text: str) -> list[Match[str]]:
    """The matches in a text."""
    return list(made.matches(text.split()))


def test_the_longest_phrase_wins() -> None:
    """ "No change in" is not also a "no"."""
    made = tree("no", "no change in")

    assert found(made, "no change in effusion") == [Match(value="no change in", start=0, end=3)]


def test_a_phrase_that_breaks_off_leaves_the_shorter_one() -> None:
    """ "No change of" is a "no" and nothing more."""
    made = tree("no", "no change in")

    assert found(made, "no change of") == [Match(value="no", start=0, end=1)]


def test_words_between_are_passed_over_inside_a_phrase_only() -> None:
    """A modifier inside a phrase does not hide it, and one before it is no part of it."""
    made = tree("lymph node")

    assert found(made, "left lymph left node left") == [Match(value="lymph node", start=1, end=4)]


def test_a_word_between_may_also_be_a_word_of_a_phrase() -> None:
    """Both ways are followed."""
    made = tree("no large mass", "no small")

    assert found(made, "no large small") == [Match(value="no small", start=0, end=3)]
    assert found(made, "no large mass") == [Match(value="no large mass", start=0, end=3)]


def test_choices_groups_and_optional_words_are_written_out() -> None:
    """One line of data stands for every wording."""
    written = {" ".join(words) for words in wordings("big|large the? {heart}", {"heart": ["heart", "cor pulmonale"]})}

    assert written == {
        "big heart",
        "big the heart",
        "big cor pulmonale",
        "big the cor pulmonale",
        "large heart",
        "large the heart",
        "large cor pulmonale",
        "large the cor pulmonale",
    }


def test_a_question_mark_alone_is_itself() -> None:
    """It is a cue, not an optional nothing."""
    assert list(wordings("?", {})) == [("?",)]
