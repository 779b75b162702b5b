"""From mentions to labels: four states a finding, and whether the report is Normal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from db.vocabulary import FINDINGS, NORMAL, Assertion
from nlp.language import Readability
from nlp.sections import SectionName
from nlp.thesaurus import Concept, Kind


class Policy(StrEnum):
    """How hedges are read.

    `strict` is the paper: what is doubted is dropped. `coded` reads as human coders do: what is probable, consistent
    with the picture, borderline or one of two alternatives is present, and a device keeps a report from Normal.
    """

    STRICT = "strict"
    CODED = "coded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One mention and what was decided of it: a row of provenance for a label.

    `start` and `end` are characters of the report's text (of the section's, where a report comes in columns);
    `rule_id` names the deciding rule, `fired` all that spoke.
    """

    concept: Concept
    assertion: Assertion
    sentence: str
    start: int
    end: int
    section: SectionName
    rule_id: str
    fired: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One finding of one report, as a label store keeps it; evidence is absent only where nothing was mentioned."""

    finding: str
    assertion: Assertion
    evidence: Evidence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedReport:
    """All that mining says of a report, and with what it was mined."""

    readability: Readability
    labels: tuple[Label, ...]
    normal: bool
    evidence: tuple[Evidence, ...]
    policy: Policy
    lexicon_version: str
    rules_version: str

    @property
    def positive(self) -> tuple[str, ...]:
        """The findings asserted, in the vocabulary's order; `Normal` alone, if the report is that."""
        if self.normal:
            return (NORMAL,)
        return tuple(label.finding for label in self.labels if label.assertion is Assertion.POSITIVE)


_WEIGHT = (Assertion.POSITIVE, Assertion.UNCERTAIN, Assertion.NEGATIVE)


def labels(evidence: Sequence[Evidence]) -> tuple[Label, ...]:
    """Sum the mentions up for each finding: positive outweighs uncertain, and that negative.

    Of several mentions the first of the deciding state is the evidence. A mention that is not of this examination
    ("history of pneumonia") leaves the finding unmentioned, and is kept as the evidence for that.
    """
    by_finding: dict[str, list[Evidence]] = {name: [] for name in FINDINGS}
    for item in evidence:
        if item.concept.finding is not None:
            by_finding[item.concept.finding].append(item)
    return tuple(_label(name, items) for name, items in by_finding.items())


def is_normal(evidence: Sequence[Evidence], says_normal: bool, policy: Policy) -> bool:
    """Whether a report is Normal: no disease of any kind is asserted or doubted in it.

    The paper's second clause, a report that says "normal", contradicts positive findings: a finding always wins, and
    what is only uncertain is not Normal either (Wang et al. 2017, section 2.1 and Table 1). The clause does serve
    against silence: a text that denies no disease and calls nothing normal ("report to follow") is not Normal.

    Args:
        evidence: what the report says of each mention.
        says_normal: whether a word such as "normal" or "clear" is in it.
        policy: whether devices veto.
    """
    vetoes = {Kind.DISEASE} if policy is Policy.STRICT else {Kind.DISEASE, Kind.DEVICE}
    of_vetoes = [item.assertion for item in evidence if item.concept.kind in vetoes]
    if Assertion.POSITIVE in of_vetoes or Assertion.UNCERTAIN in of_vetoes:
        return False
    return says_normal or Assertion.NEGATIVE in of_vetoes


def _label(finding: str, items: Sequence[Evidence]) -> Label:
    for state in _WEIGHT:
        for item in items:
            if item.assertion is state:
                return Label(finding=finding, assertion=state, evidence=item)
    return Label(finding=finding, assertion=Assertion.UNMENTIONED, evidence=items[0] if items else None)


def states(mined: MinedReport) -> Mapping[str, Assertion]:
    """Each finding's state by its name."""
    return {label.finding: label.assertion for label in mined.labels}
