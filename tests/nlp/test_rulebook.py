"""The rules: each shows by its examples what it decides."""

import re
from pathlib import Path

import pytest

from nlp import assertion, mentions, rulebook, skeleton
from nlp.errors import DataError
from nlp.parser import Parser
from nlp.rulebook import Rule, Rulebook
from nlp.sentences import Sentence
from nlp.thesaurus import Lexicon, load
from nlp.tokens import tokenize

RULES = rulebook.load(load().normal_form).rules.values()
EXAMPLES = [(rule, example) for rule in RULES for example in rule.examples]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=lambda value: getattr(value, "id", value))
def test_the_rule_decides_its_example(
    rule: Rule, example: str, lexicon: Lexicon, rules: Rulebook, parser: Parser
) -> None:
    """Each mention in brackets is spoken for by the rule, and ends in the rule's state."""
    marked = {match.group(1) for match in re.finditer(r"\[(.*?)\]", example)}
    text = re.sub(r"[\[\]]", "", example)
    tokens = tokenize(Sentence(text=text, start=0), lexicon.normal_form)
    found = mentions.find(tokens, lexicon)
    shape = skeleton.strip(tokens, found, lexicon)
    (arcs,) = parser.parse([[bone.word for bone in shape]])

    verdicts = assertion.decide(shape, arcs, rules)

    told = {
        mark: (verdicts[place].rule.state, rule.id in verdicts[place].fired)
        for place, mention in enumerate(found)
        for mark in marked
        if text[mention.start : mention.end].endswith(mark)
    }
    assert told == dict.fromkeys(marked, (rule.state, True))


def test_every_rule_has_an_example() -> None:
    """A rule without an example would not be tested."""
    assert [rule.id for rule in RULES if not rule.examples] == []


def test_every_hedge_of_the_lexicon_is_a_rule(lexicon: Lexicon, rules: Rulebook) -> None:
    """A wording that holds its own doubt names the rule that decides it."""
    hedges = {concept.hedge for concept in lexicon.joined.values() if concept.hedge}

    assert hedges
    assert hedges <= set(rules.rules)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("surface = 3", "surface"),
        ("[[surface]\n", "rules.toml"),
        ('[[surface]]\nid = "a"\nstate = "negative"\ncues = ["{nobody}"]\nexamples = []', "no group 'nobody'"),
        ('[[graph]]\nid = "a"\nstate = "negative"\npaths = ["D -> no"]\nexamples = []', "a path is"),
        ('[[graph]]\nid = "a"\nstate = "negative"\npaths = ["D -> det <- no"]\nexamples = []', "the same"),
        ('[[graph]]\nid = "a"\nstate = "perhaps"\npaths = []\nexamples = []', "perhaps"),
        (2 * '[[graph]]\nid = "a"\nstate = "negative"\npaths = []\nexamples = []\n', "a is there twice"),
    ],
)
def test_a_broken_rule_file_is_refused_with_what_is_wrong(
    tmp_path: Path, lexicon: Lexicon, text: str, problem: str
) -> None:
    """Who edits the rules learns which file and why."""
    (tmp_path / "rules.toml").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=re.escape(problem)):
        rulebook.load(lexicon.normal_form, tmp_path)


def test_the_version_changes_with_the_content(tmp_path: Path, lexicon: Lexicon) -> None:
    """A label's rules version names exactly what it was mined with."""
    file = tmp_path / "rules.toml"
    file.write_text('stops = ["but"]', encoding="utf-8")
    before = rulebook.load(lexicon.normal_form, tmp_path).version
    file.write_text('stops = ["yet"]', encoding="utf-8")

    assert rulebook.load(lexicon.normal_form, tmp_path).version != before
