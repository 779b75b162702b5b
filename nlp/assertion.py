"""What a sentence says of each of its mentions: the surface check and the graph's rules, and which of them decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.vocabulary import Assertion
from nlp import cues, graph
from nlp.graph import Arc
from nlp.rulebook import Rule, Rulebook
from nlp.skeleton import Skeleton

ASSERTED = Rule(id="asserted", state=Assertion.POSITIVE, coded=Assertion.POSITIVE, examples=())
"""No rule speaks for the mention: what a report names, it reports."""

_FIRST = (Assertion.UNMENTIONED, Assertion.NEGATIVE, Assertion.UNCERTAIN, Assertion.POSITIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The rule that decides a mention, and all that spoke for it."""

    rule: Rule
    fired: tuple[str, ...]


def decide(skeleton: Skeleton, arcs: Sequence[Arc] | None, rulebook: Rulebook) -> Mapping[int, Verdict]:
    """Decide every mention of a sentence, by its place among the sentence's mentions.

    Args:
        skeleton: the sentence.
        arcs: its parse, one arc a word; None leaves the surface check alone.
        rulebook: the rules.
    """
    found = cues.find(skeleton, rulebook)
    spoken = cues.reached(skeleton, found, rulebook)
    by_path = _by_path(skeleton, arcs, rulebook, cues.confirming(found)) if arcs is not None else {}
    verdicts = {}
    for place, bone in enumerate(skeleton):
        default = rulebook.rules.get(bone.hedge or "", ASSERTED)
        verdict = _choose([*spoken.get(place, ()), *by_path.get(place, ())], default)
        verdicts.update(dict.fromkeys(bone.mentions, verdict))
    return verdicts


def _by_path(
    skeleton: Skeleton, arcs: Sequence[Arc], rulebook: Rulebook, without: frozenset[int]
) -> Mapping[int, Sequence[Rule]]:
    words = [bone.normal for bone in skeleton]
    propagated = graph.propagate(words, arcs, [bone.affirmed for bone in skeleton])
    return {
        place: [
            rule.rule
            for rule in rulebook.graph
            if any(path.reaches(propagated, place, words, without) for path in rule.paths)
        ]
        for place, bone in enumerate(skeleton)
        if bone.mentions
    }


def _choose(rules: Sequence[Rule], default: Rule) -> Verdict:
    """What is not of this examination goes first, then what is denied, then what is doubted.

    But what is confirmed is of this examination: "the previously seen nodule is unchanged".
    """
    confirmed = any(rule.state is Assertion.POSITIVE for rule in rules)
    counting = [rule for rule in rules if not (confirmed and rule.state is Assertion.UNMENTIONED)]
    decisive = min(counting, key=lambda rule: _FIRST.index(rule.state), default=default)
    return Verdict(rule=decisive, fired=tuple(dict.fromkeys(rule.id for rule in rules)))
