"""The propagated graph, on trees drawn by hand."""

from collections.abc import Sequence

from nlp import graph
from nlp.graph import Arc, Edge, Graph


def tree(text: str) -> tuple[list[str], list[Arc]]:
    """Read `word relation head` for each word; the head by its place, counted from 0."""
    rows = [line.split() for line in text.strip().splitlines()]
    return [row[0] for row in rows], [Arc(relation=row[1], head=int(row[2])) for row in rows]


def edges(made: Graph) -> set[Edge]:
    """All edges of a graph."""
    return {edge for some in made.down.values() for edge in some}


def propagated(text: str, affirmed: Sequence[int] = ()) -> set[Edge]:
    """The edges of a tree's propagated graph."""
    words, arcs = tree(text)
    return edges(graph.propagate(words, arcs, [place in affirmed for place in range(len(words))]))


LIST = """
    clear ROOT 0
    of prep 0
    consolidation pobj 1
    pneumothorax conj 2
    or cc 3
    effusion conj 3
"""


def test_a_preposition_is_collapsed_and_every_conjunct_gets_it() -> None:
    """From "clear of A, B or C" one path, clear -> prep_of -> D, gives three denials."""
    made = propagated(LIST)

    assert {Edge(0, "prep_of", 2), Edge(0, "prep_of", 3), Edge(0, "prep_of", 5)} <= made


def test_a_denying_determiner_is_shared_by_the_list() -> None:
    """The `no` of "no A or B" is B's as well."""
    made = propagated("no det 1\nconsolidation ROOT 1\nor cc 1\neffusion conj 1")

    assert Edge(3, "det", 0) in made


def test_a_conjunct_with_an_article_of_its_own_is_not_denied() -> None:
    """In "no A and a B" B is there."""
    made = propagated("no det 1\nconsolidation ROOT 1\nand cc 1\na det 4\nnodule conj 1")

    assert Edge(4, "det", 0) not in made


def test_an_affirmed_conjunct_inherits_nothing() -> None:
    """In "no A, stable B" B is there."""
    made = propagated("no det 1\nconsolidation ROOT 1\n, punct 1\ncardiomegaly conj 1", affirmed=[3])

    assert Edge(3, "det", 0) not in made


def test_but_parts_a_list() -> None:
    """In "no A but B" B inherits nothing."""
    made = propagated("no det 1\nconsolidation ROOT 1\nbut cc 1\neffusion conj 1")

    assert Edge(3, "det", 0) not in made


def test_a_second_verb_has_the_subject_of_the_first() -> None:
    """In "D persists and is not seen" both verbs are said of D."""
    made = propagated("effusion nsubj 1\npersists ROOT 1\nand cc 1\nworsens conj 1")

    assert Edge(3, "nsubj", 0) in made


def test_a_ring_of_conjuncts_ends() -> None:
    """A tree that is none, which a model may give, does not hang the miner."""
    words, arcs = tree("a conj 1\nb conj 0")

    assert graph.propagate(words, arcs, [False, False]) is not None
