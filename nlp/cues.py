"""The surface check: words that deny, doubt or confirm what stands near them, and how far they reach.

The cues are those of NegEx and ConText in kind (Chapman et al. 2001; Harkema et al. 2009); here they look at the
skeleton, and what ends their reach is data of the rule files.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from db.vocabulary import Assertion
from nlp.phrases import Match
from nlp.rulebook import Rule, Rulebook, SurfaceRule
from nlp.skeleton import Skeleton

_OPENERS = frozenset((",", "and", "or", "but", "with", "/", ":"))
_LIST_ENDS = frozenset((",", "and", "with", "/", ":"))

Cue = Match[SurfaceRule]


def find(skeleton: Skeleton, rulebook: Rulebook) -> tuple[Cue, ...]:
    """Name the cues of a skeleton; the longest wins, so that "no change in" is not also a "no"."""
    words = ["" if bone.mentions else bone.normal for bone in skeleton]
    return tuple(rulebook.cues.matches(words))


def reached(skeleton: Skeleton, cues: Sequence[Cue], rulebook: Rulebook) -> Mapping[int, Sequence[Rule]]:
    """The rules that speak for each mention, by its place in the skeleton."""
    rules: dict[int, list[Rule]] = defaultdict(list)
    openings = {cue.start for cue in cues if cue.value.direction == "forward"}
    for cue in cues:
        for place in _scope(skeleton, cue, openings, rulebook):
            if skeleton[place].mentions:
                rules[place].append(cue.value.rule)
    return rules


def confirming(cues: Sequence[Cue]) -> frozenset[int]:
    """The words spoken for by cues that confirm, such as the `no` of "no change in": no graph rule may use them."""
    return frozenset(
        place for cue in cues if cue.value.rule.state is Assertion.POSITIVE for place in range(cue.start, cue.end)
    )


def _scope(skeleton: Skeleton, cue: Cue, openings: Collection[int], rulebook: Rulebook) -> Iterator[int]:
    rule = cue.value
    if rule.direction == "sentence":
        yield from range(len(skeleton))
    elif rule.direction == "forward":
        yield from _forward(skeleton, cue, openings, rulebook)
    else:
        yield from _backward(skeleton, cue, rulebook)


def _forward(skeleton: Skeleton, cue: Cue, openings: Collection[int], rulebook: Rulebook) -> Iterator[int]:
    rule = cue.value
    for place in range(cue.end, min(len(skeleton), cue.end + rule.reach)):
        bone = skeleton[place]
        if bone.normal in rulebook.stops or bone.normal in rulebook.clause_verbs or bone.normal in rule.stops:
            return
        if not rule.lists and bone.normal in _LIST_ENDS:
            return
        if place > cue.end and (bone.affirmed or _opens(skeleton, place, openings, rulebook)):
            return
        yield place


def _opens(skeleton: Skeleton, place: int, openings: Collection[int], rulebook: Rulebook) -> bool:
    """Whether another statement begins here: another cue of a list, or after a comma or an `and` an article."""
    before = skeleton[place - 1].normal
    if place in openings and before in _OPENERS:
        return True
    return before in _LIST_ENDS and skeleton[place].normal in rulebook.openers


def _backward(skeleton: Skeleton, cue: Cue, rulebook: Rulebook) -> Iterator[int]:
    rule = cue.value
    for place in range(cue.start - 1, max(-1, cue.start - 1 - rule.reach), -1):
        bone = skeleton[place]
        if bone.normal in rulebook.stops or bone.normal in rulebook.clause_verbs or bone.normal in rule.stops:
            return
        if not rule.lists and bone.normal in _LIST_ENDS:
            return
        yield place
