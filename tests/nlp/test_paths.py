"""Paths, as the paper's supplement writes them."""

import pytest

from nlp import paths
from nlp.graph import Edge, Graph

GRAPH = Graph([Edge(0, "prep_of", 2), Edge(2, "det", 1), Edge(3, "nsubj", 0), Edge(3, "neg", 4)])
WORDS = ["evidence", "no", "effusion", "seen", "not"]


def reaches(text: str, without: tuple[int, ...] = ()) -> bool:
    """Whether the path leads anywhere from the effusion."""
    path = paths.read(text, {"look": ["seen", "noted"]}, str.lower)
    return path.reaches(GRAPH, 2, WORDS, without)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evidence|sign -> prep_of -> D", True),
        ("sign -> prep_of -> D", False),
        ("* -> prep_of -> D", True),
        ("D -> det -> no", True),
        ("no <- det <- D", True),
        ("no <- det|neg <- D", True),
        ("no -> det -> D", False),
        ("not <- neg <- {look} -> nsubj -> evidence -> prep_of -> D", True),
        ("D <- * <- evidence", True),
    ],
)
def test_a_path_is_followed_edge_by_edge(text: str, expected: bool) -> None:
    """Direction, relation and word all have to fit."""
    assert reaches(text) is expected


def test_a_word_that_is_spoken_for_is_no_step() -> None:
    """The `no` of "no change in" does not deny."""
    assert not reaches("no <- det <- D", without=(1,))


@pytest.mark.parametrize("text", ["D", "D -> det", "evidence of D", "D -> det <- no", "D x det x no"])
def test_what_is_no_path_is_refused(text: str) -> None:
    """The sentence shows the path."""
    with pytest.raises(ValueError, match=text):
        paths.read(text, {}, str.lower)
