"""Boxes in an overlay, each with its finding's name where it hides no other name."""

from collections.abc import Iterator

from PIL import Image, ImageDraw

from inference.prediction import Box, FindingScore, Prediction
from node.objects.caption import box_label, font_size
from node.objects.lettering import Font, Rectangle, font, text_size
from node.objects.palette import RGB, finding_colour
from node.objects.reading import shown_boxes

_DARK = (12, 14, 18)


def draw_boxes(picture: Image.Image, prediction: Prediction, caption: Rectangle) -> list[Rectangle]:
    """Draw all boxes, then their labels, likeliest finding first; return where the labels are.

    A label that finds no free place is left out: its finding stands in the caption, in the colour of its box.
    """
    draw = ImageDraw.Draw(picture)
    size = font_size(picture.width, picture.height)
    marked = _marked(prediction)
    for score, box in reversed(marked):
        _draw_box(draw, box, finding_colour(score.finding), max(1, round(size / 7)))
    letters = font(size)
    taken = [caption]
    frames = [_rectangle(box) for _, box in marked]
    for (score, _), frame in zip(marked, frames, strict=True):
        label = box_label(score)
        others = [other for other in frames if other != frame]
        place = place_label(_label_size(letters, label), frame, _bounds(picture), taken, others)
        if place is not None:
            _draw_label(draw, letters, label, place, finding_colour(score.finding))
            taken.append(place)
    return taken[1:]


def _marked(prediction: Prediction) -> list[tuple[FindingScore, Box]]:
    pairs = [(score, box) for score in prediction.scores for box in shown_boxes(score)]
    return sorted(pairs, key=lambda pair: (-pair[0].probability, -pair[1].width * pair[1].height))


def _rectangle(box: Box) -> Rectangle:
    return Rectangle(left=box.x, top=box.y, right=box.x + box.width, bottom=box.y + box.height)


def _bounds(picture: Image.Image) -> Rectangle:
    return Rectangle(left=0, top=0, right=picture.width, bottom=picture.height)


def _label_size(letters: Font, label: str) -> tuple[int, int]:
    width, height = text_size(letters, label)
    return width + round(height * 0.7), round(height * 1.25)


def place_label(
    size: tuple[int, int], box: Rectangle, bounds: Rectangle, taken: list[Rectangle], boxes: list[Rectangle]
) -> Rectangle | None:
    """Find a free place for a label: at an edge of its box, covering least of other boxes; else further away.

    A place is free if it lies within the bounds and has nothing in common with those taken.
    """

    def is_free(place: Rectangle) -> bool:
        return bounds.holds(place) and not any(place.common(other) for other in taken)

    at_edges = [place for place in _at_edges(size, box, bounds) if is_free(place)]
    if at_edges:
        return min(at_edges, key=lambda place: sum(place.common(other) for other in boxes))
    return next((place for place in _further_away(size, box, bounds) if is_free(place)), None)


def _aligned(width: int, box: Rectangle, bounds: Rectangle) -> tuple[int, int]:
    """Left edges of a label flush with its box on the left and on the right, pushed into the picture."""
    last = bounds.right - width
    return max(bounds.left, min(box.left, last)), max(bounds.left, min(box.right - width, last))


def _at_edges(size: tuple[int, int], box: Rectangle, bounds: Rectangle) -> Iterator[Rectangle]:
    width, height = size
    aligned_left, aligned_right = _aligned(width, box, bounds)
    for left, top in (
        (aligned_left, box.top - height),
        (aligned_right, box.top - height),
        (aligned_left, box.bottom),
        (aligned_right, box.bottom),
        (box.left, box.top),
        (box.left, box.bottom - height),
        (box.right - width, box.top),
        (box.right - width, box.bottom - height),
        (box.right, box.top),
        (box.left - width, box.top),
    ):
        yield Rectangle(left=left, top=top, right=left + width, bottom=top + height)


def _further_away(size: tuple[int, int], box: Rectangle, bounds: Rectangle) -> Iterator[Rectangle]:
    width, height = size
    for away in range(1, max(2, (bounds.bottom - bounds.top) // height)):
        for top in (box.top - height - away * height, box.bottom + away * height, box.top + away * height):
            for left in _aligned(width, box, bounds):
                yield Rectangle(left=left, top=top, right=left + width, bottom=top + height)


def _draw_box(draw: ImageDraw.ImageDraw, box: Box, colour: RGB, thick: int) -> None:
    """A line on the box's outermost pixels with a dark one inside it, to be seen on white and on black."""
    left, top, right, bottom = box.x, box.y, box.x + box.width - 1, box.y + box.height - 1
    dark = max(1, thick // 2)
    if right - left > 2 * (thick + dark) and bottom - top > 2 * (thick + dark):
        inner = (left + thick, top + thick, right - thick, bottom - thick)
        draw.rectangle(inner, outline=_DARK, width=dark)
    draw.rectangle((left, top, right, bottom), outline=colour, width=thick)


def _draw_label(draw: ImageDraw.ImageDraw, letters: Font, label: str, place: Rectangle, colour: RGB) -> None:
    draw.rectangle((place.left, place.top, place.right - 1, place.bottom - 1), fill=_DARK)
    middle = ((place.left + place.right) / 2, (place.top + place.bottom) / 2)
    draw.text(middle, label, font=letters, fill=colour, anchor="mm")
