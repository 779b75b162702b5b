"""From mentions to labels."""

import pytest

from db.vocabulary import Assertion, Code
from nlp import aggregate
from nlp.aggregate import Evidence, Policy
from nlp.sections import SectionName
from nlp.thesaurus import Concept, Kind


def evidence(state: str, finding: str | None = "Effusion", kind: Kind = Kind.DISEASE) -> Evidence:
    """A mention in a state."""
    concept = Concept(name="x", code=Code(value="1", scheme="SCT", meaning="x"), kind=kind, finding=finding)
    return Evidence(
        concept=concept,
        assertion=Assertion(state),
        sentence="x",
        start=0,
        end=1,
        section=SectionName.FINDINGS,
        rule_id="r",
        fired=("r",),
    )


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["negative", "positive"], "positive"),
        (["negative", "uncertain"], "uncertain"),
        (["uncertain", "positive"], "positive"),
        (["unmentioned", "negative"], "negative"),
        (["unmentioned"], "unmentioned"),
        ([], "unmentioned"),
    ],
)
def test_the_strongest_mention_is_the_findings_state(states: list[str], expected: str) -> None:
    """Positive outweighs uncertain, and that negative; another examination's finding is none."""
    label = next(
        label for label in aggregate.labels([evidence(state) for state in states]) if label.finding == "Effusion"
    )

    assert label.assertion == expected
    assert (label.evidence is None) is (not states)


@pytest.mark.parametrize(
    ("item", "policy", "normal"),
    [
        (evidence("negative"), Policy.STRICT, True),
        (evidence("positive"), Policy.STRICT, False),
        (evidence("uncertain"), Policy.STRICT, False),
        (evidence("unmentioned"), Policy.STRICT, True),
        (evidence("positive", finding=None), Policy.STRICT, False),
        (evidence("positive", finding=None, kind=Kind.DEVICE), Policy.STRICT, True),
        (evidence("positive", finding=None, kind=Kind.DEVICE), Policy.CODED, False),
    ],
)
def test_any_disease_asserted_or_doubted_keeps_a_report_from_normal(
    item: Evidence, policy: Policy, normal: bool
) -> None:
    """A finding wins over the word normal, an uncertain one too; a device by the coders' policy only."""
    assert aggregate.is_normal([item], says_normal=True, policy=policy) is normal


def test_silence_is_not_normal() -> None:
    """A text that denies nothing and calls nothing normal says nothing."""
    assert not aggregate.is_normal([], says_normal=False, policy=Policy.STRICT)
    assert aggregate.is_normal([evidence("negative")], says_normal=False, policy=Policy.STRICT)
