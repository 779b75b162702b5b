"""The dependency graph that rules are written on: prepositions collapsed, conjuncts given what their head has.

The paper reads its rules from Stanford's "CCProcessed" dependencies, where from "clear of focal airspace disease,
pneumothorax, or pleural effusion" the one path `clear -> prep_of -> D` gives three negations (Wang et al. 2017,
supplement; de Marneffe and Manning 2008, section 4). This module makes that graph of a plain dependency tree.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SUBJECTS = frozenset(("nsubj", "nsubjpass", "csubj"))
_DENIALS = frozenset(("neg", "det"))
_DENYING = frozenset(("no", "not", "without", "neither", "nor"))
_CONTRASTS = frozenset(("but", "except"))
_NOT_INHERITED = frozenset(("conj", "punct", "cc", "root", "ROOT", "dep"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """A word's place in a dependency tree: the index of its head (its own, for a root) and the relation to it."""

    head: int
    relation: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation from a governor to a dependent, both as indices of words."""

    governor: int
    relation: str
    dependent: int


class Graph:
    """Who governs whom, both ways."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        up: dict[int, list[Edge]] = defaultdict(list)
        down: dict[int, list[Edge]] = defaultdict(list)
        for edge in dict.fromkeys(edges):
            up[edge.dependent].append(edge)
            down[edge.governor].append(edge)
        self.up: Mapping[int, Sequence[Edge]] = up
        self.down: Mapping[int, Sequence[Edge]] = down


def propagate(words: Sequence[str], arcs: Sequence[Arc], affirmed: Sequence[bool]) -> Graph:
    """Make the propagated graph of a sentence.

    Args:
        words: normal forms.
        arcs: one for each word, with the relations of ClearNLP that spaCy's English models use.
        affirmed: whether a word opens its list item so that a denial of the list's head is not said of it.
    """
    edges = _collapse(words, arcs)
    heads = _conjunct_heads(words, arcs)
    for dependent, head in sorted(heads.items()):
        edges += _inherited(edges, head, dependent, affirmed[dependent], words)
    return Graph(edges)


def _collapse(words: Sequence[str], arcs: Sequence[Arc]) -> list[Edge]:
    """Make `clear -> prep -> of -> pobj -> D` into `clear -> prep_of -> D`; the plain edges stay too."""
    edges = []
    for dependent, arc in enumerate(arcs):
        if arc.head == dependent:
            continue
        edges.append(Edge(arc.head, arc.relation, dependent))
        above = arcs[arc.head]
        if arc.relation in {"pobj", "pcomp"} and above.head != arc.head:
            edges.append(Edge(above.head, f"prep_{words[arc.head]}", dependent))
    return edges


def _conjunct_heads(words: Sequence[str], arcs: Sequence[Arc]) -> dict[int, int]:
    """For each conjunct the first member of its list, where nothing like `but` parts them."""
    contrasted = {arc.head for word, arc in zip(words, arcs, strict=True) if word in _CONTRASTS}
    heads: dict[int, int] = {}
    for dependent, arc in enumerate(arcs):
        if arc.relation in {"conj", "appos"} and arc.head not in contrasted and arc.head != dependent:
            heads[dependent] = heads.get(arc.head, arc.head)
    for dependent, head in heads.items():
        seen = {dependent}
        while head in heads and head not in seen:
            seen.add(head)
            head = heads[head]  # noqa: PLW2901
        heads[dependent] = head
    return heads


def _inherited(edges: Sequence[Edge], head: int, dependent: int, affirmed: bool, words: Sequence[str]) -> list[Edge]:
    """What a conjunct has of its list's head: governors, and denials and subjects where it has none of its own."""
    own = {edge.relation for edge in edges if edge.governor == dependent}
    gained = []
    for edge in edges:
        if edge.dependent == head and edge.relation not in _NOT_INHERITED and not affirmed:
            gained.append(Edge(edge.governor, edge.relation, dependent))
        subject = edge.governor == head and edge.relation in SUBJECTS and own.isdisjoint(SUBJECTS)
        denial = _denies(edge, head, words) and "det" not in own and not affirmed
        if subject or denial:
            gained.append(Edge(dependent, edge.relation, edge.dependent))
    return [edge for edge in gained if edge.governor != edge.dependent]


def _denies(edge: Edge, head: int, words: Sequence[str]) -> bool:
    return edge.governor == head and edge.relation in _DENIALS and words[edge.dependent] in _DENYING
