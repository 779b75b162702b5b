"""The chord diagram as shapes for a page."""

import math
import re
from collections import Counter

from node.labels.ring import INNER, OUTER, ring
from tests.node.labels.test_chord import NOTHING, ONE_PAIR, SOME, cooccurrence


def points(path: str) -> list[tuple[float, float]]:
    """Every place that a path goes to; radii of arcs are left out."""
    return [(float(x), float(y)) for x, y in re.findall(r"(?:[ML]|\d [01] [01] |Q0,0 )(-?[\d.]+),(-?[\d.]+)", path)]


def test_one_pair_is_two_arcs_of_178_degrees_and_a_ribbon_between():
    """A gap of two degrees behind each; the ribbon takes both arcs whole."""
    drawn = ring(cooccurrence(ONE_PAIR))

    first, second = drawn.arcs
    assert (first.finding, first.reports, first.with_another) == ("Effusion", 1, 1)
    end = (OUTER * math.sin(math.radians(178)), -OUTER * math.cos(math.radians(178)))
    assert first.path.startswith(f"M0.00,-100.00 A100,100 0 0 1 {end[0]:.2f},{end[1]:.2f} L")
    assert second.path.startswith("M-0.00,100.00 ") or second.path.startswith("M0.00,100.00 ")
    (ribbon,) = drawn.ribbons
    assert (ribbon.one, ribbon.other, ribbon.reports, ribbon.colour) == ("Effusion", "Mass", 1, first.colour)
    assert ribbon.path.startswith("M0.00,-93.00 A93,93 0 0 1 ")


def test_every_shape_is_on_the_ring():
    """Arcs between the two circles, ribbons on the inner one; wide ribbons first."""
    drawn = ring(cooccurrence(SOME))

    assert len(drawn.arcs) == 3
    for shape in (*drawn.arcs, *drawn.ribbons):
        for x, y in points(shape.path):
            assert min(abs(math.hypot(x, y) - radius) for radius in (OUTER, INNER)) < 0.02
    assert [ribbon.reports for ribbon in drawn.ribbons] == [367]


def test_without_findings_there_is_nothing_to_draw():
    """And a page says so."""
    assert ring(cooccurrence(NOTHING)).arcs == ()
    assert ring(cooccurrence(Counter({frozenset(): 3}))).arcs == ()
