"""Paths in the dependency graph, written as the paper's supplement writes them.

`clear|free -> prep_of -> D`: D is governed, through prep_of, by "clear" or "free". `no <- det <- D`: D governs "no" as
its determiner. Words and relations take `a|b` and `*` for any; `{group}` is a group of the rule files. A path begins
at D, which stands at one of its ends.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from nlp.graph import Graph
from nlp.phrases import Groups, wordings

_REVERSED = {"->": "<-", "<-": "->"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One edge of a path: towards a governor or a dependent, the relations it may have, the words it may lead to."""

    to_governor: bool
    relations: frozenset[str] | None
    words: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Steps from a mention."""

    steps: tuple[Step, ...]

    def reaches(self, graph: Graph, start: int, words: Sequence[str], without: Collection[int]) -> bool:
        """Whether the path leads anywhere from a word, no step of it onto a word in `without`."""
        places = {start}
        for step in self.steps:
            places = {
                place
                for at in places
                for place in _next(graph, at, step)
                if place not in without and (step.words is None or words[place] in step.words)
            }
            if not places:
                return False
        return True


def read(text: str, groups: Groups, normal_form: Callable[[str], str]) -> Path:
    """Read a path.

    Raises:
        ValueError: It is not written as one; the sentence says what is wrong.
        KeyError: A group is not there.
    """
    parts = text.split()
    if parts[-1] == "D":
        parts = [_REVERSED.get(part, part) for part in reversed(parts)]
    if parts[0] != "D" or len(parts) < 5 or len(parts) % 4 != 1:
        raise ValueError(f"{text}: a path is D, arrow, relation, arrow, word and so on")
    steps = []
    for i in range(1, len(parts), 4):
        arrow, relation, again, word = parts[i : i + 4]
        if arrow != again or arrow not in _REVERSED:
            raise ValueError(f"{text}: the two arrows round {relation} are to be the same, -> or <-")
        steps.append(
            Step(
                to_governor=arrow == "<-",
                relations=None if relation == "*" else frozenset(relation.split("|")),
                words=None if word == "*" else frozenset(_words(word, groups, normal_form)),
            )
        )
    return Path(steps=tuple(steps))


def _words(word: str, groups: Groups, normal_form: Callable[[str], str]) -> Iterator[str]:
    for choice in word.split("|"):
        for wording in wordings(choice, groups):
            yield from map(normal_form, wording)


def _next(graph: Graph, at: int, step: Step) -> Iterable[int]:
    if step.to_governor:
        edges = graph.up.get(at, ())
        return [edge.governor for edge in edges if step.relations is None or edge.relation in step.relations]
    edges = graph.down.get(at, ())
    return [edge.dependent for edge in edges if step.relations is None or edge.relation in step.relations]
