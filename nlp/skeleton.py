"""A sentence's skeleton: each mention one word, with the modifiers before it taken away.

Rules look at the skeleton, and it is what is parsed: a parser that stumbles over "no focal airspace consolidation,
large left pleural effusion or pneumothorax" reads "no consolidation, effusion or pneumothorax" right, and skeletons
repeat far more often than sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nlp.mentions import Mention
from nlp.thesaurus import Lexicon
from nlp.tokens import Token

_OPENERS = frozenset((",", "and", "with", "/", "&"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bone:
    """A word of a skeleton.

    `mentions` are the places of its mentions in the sentence's tuple; `affirmed` says that a word such as "stable"
    or "mild", which nobody denies in a list, opens a list item here: a negation before it does not reach it.
    `hedge` is the rule that decides where no other does.
    """

    word: str
    normal: str
    mentions: tuple[int, ...] = ()
    affirmed: bool = False
    hedge: str | None = None


Skeleton = tuple[Bone, ...]


def strip(tokens: Sequence[Token], mentions: Sequence[Mention], lexicon: Lexicon) -> Skeleton:
    """Take a sentence to its skeleton."""
    anchors: dict[tuple[int, int], list[int]] = {}
    for place, mention in enumerate(mentions):
        anchors.setdefault((mention.first, mention.last), []).append(place)
    bones: list[Bone] = []
    position = 0
    for (first, last), places in sorted(anchors.items()):
        bones += [_bone(token) for token in tokens[position:first]]
        stripped = _strip_modifiers(bones, lexicon)
        bones.append(
            Bone(
                word=tokens[last - 1].text.lower(),
                normal=tokens[last - 1].normal,
                mentions=tuple(places),
                affirmed=_affirmed(bones, stripped, lexicon),
                hedge=mentions[places[0]].concept.hedge,
            )
        )
        position = max(position, last)
    bones += [_bone(token) for token in tokens[position:]]
    return tuple(bones)


def _bone(token: Token) -> Bone:
    return Bone(word=token.text.lower(), normal=token.normal)


def _strip_modifiers(bones: list[Bone], lexicon: Lexicon) -> list[str]:
    stripped = []
    while bones and not bones[-1].mentions and bones[-1].normal in lexicon.modifiers:
        stripped.append(bones.pop().normal)
    return stripped


def _affirmed(bones: Sequence[Bone], stripped: Sequence[str], lexicon: Lexicon) -> bool:
    opened = bool(bones) and bones[-1].normal in _OPENERS
    return opened and not lexicon.affirming.isdisjoint(stripped)
