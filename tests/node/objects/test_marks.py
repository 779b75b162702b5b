"""Where labels are put."""

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from node.objects.lettering import Rectangle
from node.objects.marks import draw_boxes, place_label

BOUNDS = Rectangle(left=0, top=0, right=200, bottom=150)


@st.composite
def rectangles(draw):
    left, top = draw(st.integers(0, 190)), draw(st.integers(0, 140))
    width, height = draw(st.integers(1, 200 - left)), draw(st.integers(1, 150 - top))
    return Rectangle(left=left, top=top, right=left + width, bottom=top + height)


@given(
    size=st.tuples(st.integers(1, 220), st.integers(1, 60)),
    box=rectangles(),
    taken=st.lists(rectangles(), max_size=5),
    boxes=st.lists(rectangles(), max_size=3),
)
def test_a_label_lies_in_the_picture_and_on_nothing_else(size, box, taken, boxes):
    """Wherever boxes are, a placed label is whole and hides no other label."""
    place = place_label(size, box, BOUNDS, taken, boxes)

    if place is not None:
        assert BOUNDS.holds(place)
        assert (place.right - place.left, place.bottom - place.top) == size
        assert not any(place.common(other) for other in taken)


def test_a_label_stands_on_top_of_its_box():
    """With room above, the label sits flush on the upper left corner."""
    box = Rectangle(left=50, top=60, right=90, bottom=100)

    assert place_label((30, 10), box, BOUNDS, [], []) == Rectangle(left=50, top=50, right=80, bottom=60)


def test_a_label_goes_below_a_box_at_the_upper_edge():
    """Without room above, it stands below."""
    box = Rectangle(left=50, top=0, right=90, bottom=100)

    assert place_label((30, 10), box, BOUNDS, [], []) == Rectangle(left=50, top=100, right=80, bottom=110)


def test_a_label_wider_than_the_picture_is_left_out():
    """A label that cannot be whole is not drawn."""
    assert place_label((201, 10), Rectangle(left=0, top=50, right=9, bottom=60), BOUNDS, [], []) is None


def test_all_eight_findings_get_labels(make_reading):
    """A picture of usual size has room for the labels of all boxes."""
    reading = make_reading(present=[score.finding for score in make_reading().prediction.scores], size=(800, 700))
    caption = Rectangle(left=0, top=700, right=700, bottom=800)

    labels = draw_boxes(Image.new("RGB", (700, 800)), reading.prediction, caption)

    assert len(labels) == 8
    assert not any(one.common(other) for one in labels for other in labels if one is not other)
