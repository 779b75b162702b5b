"""The caption of an overlay: what it is, which model made it, each finding's probability on a scale."""

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from db.vocabulary import FINDINGS
from inference.prediction import FindingScore, Prediction
from node.objects.lettering import SMALLEST, Font, Rectangle, font, shortened, text_size
from node.objects.modules import NOT_FOR_DIAGNOSIS
from node.objects.palette import finding_colour, heat_colours
from node.objects.reading import shown_boxes

_SIZE = 0.021
"""Font size as a part of the picture's shorter side: 11 pixels of 512, 43 of 2048."""
_TALLEST = 0.3
"""The caption takes no more of the picture's height than this."""
_WHITE = (245, 245, 245)
_GREY = (176, 180, 186)
_TRACK = (84, 88, 94)
_SHADE = 178
"""Opacity of the dark strip under the text, of 255: the anatomy stays visible through it."""

NOTHING = "No finding above threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Sizes in pixels; `columns` cells side by side, `rows` below each other."""

    font: Font
    line: int
    pad: int
    columns: int
    rows: int
    height: int
    heading_lines: int


def font_size(width: int, height: int) -> float:
    """The size of text that suits a picture."""
    return max(11.0, min(width, height) * _SIZE)


def draw_caption(picture: Image.Image, prediction: Prediction) -> Rectangle:
    """Draw the caption where it covers fewer boxes, at the bottom or the top; return where it is."""
    layout = _fitting_layout(picture.width, picture.height, prediction)
    strip = _place(picture, layout.height, prediction)
    _shade(picture, strip)
    draw = ImageDraw.Draw(picture)
    y = strip.top + layout.pad
    y = _draw_heading(draw, layout, prediction, y, picture.width)
    if layout.rows:
        _draw_table(draw, layout, prediction, y, picture.width)
    return strip


def _place(picture: Image.Image, height: int, prediction: Prediction) -> Rectangle:
    bottom = Rectangle(left=0, top=picture.height - height, right=picture.width, bottom=picture.height)
    top = Rectangle(left=0, top=0, right=picture.width, bottom=height)
    boxes = [
        Rectangle(left=box.x, top=box.y, right=box.x + box.width, bottom=box.y + box.height)
        for score in prediction.scores
        for box in shown_boxes(score)
    ]
    covered = [sum(strip.common(box) for box in boxes) for strip in (bottom, top)]
    return bottom if covered[0] <= covered[1] else top


def _shade(picture: Image.Image, strip: Rectangle) -> None:
    area = (strip.left, strip.top, strip.right, strip.bottom)
    dark = picture.crop(area).point([level * (255 - _SHADE) // 255 for level in range(256)] * 3)
    picture.paste(dark, area)


def _fitting_layout(width: int, height: int, prediction: Prediction) -> _Layout:
    """The largest text whose caption is not too tall; the table is left out of a picture too small for it."""
    size = font_size(width, height)
    while True:
        layout = _layout(width, size, prediction, with_table=True)
        if layout.height <= height * _TALLEST:
            return layout
        if size <= SMALLEST:
            layout = _layout(width, SMALLEST, prediction, with_table=False)
            return layout if layout.height <= height else _bare(layout, height)
        size = max(SMALLEST, size * 0.9)


def _bare(layout: _Layout, height: int) -> _Layout:
    """As much of a heading as a thumbnail holds."""
    return _Layout(
        font=layout.font,
        line=layout.line,
        pad=0,
        columns=0,
        rows=0,
        height=min(layout.line, height),
        heading_lines=1,
    )


def _layout(width: int, size: float, prediction: Prediction, *, with_table: bool) -> _Layout:
    letters = font(size)
    _, line = text_size(letters, NOT_FOR_DIAGNOSIS)
    pad = max(2, round(line * 0.55))
    widest = max((text_size(letters, f"{box_label(score)}  ")[0] for score in prediction.scores), default=1)
    cell = widest + 2 * pad
    count = len(prediction.scores) if with_table else 0
    fitting = max(1, min(count, (width - pad) // cell)) if count else 0
    rows = math.ceil(count / fitting) if fitting else 0
    columns = math.ceil(count / rows) if rows else 0
    heading_lines = 1 if _heading_width(letters, prediction, pad) <= width - 2 * pad else 2
    height = 2 * pad + heading_lines * (line + pad // 2) + rows * _row_height(line)
    return _Layout(
        font=letters,
        line=line,
        pad=pad,
        columns=columns,
        rows=rows,
        height=height,
        heading_lines=heading_lines,
    )


def _row_height(line: int) -> int:
    return round(line * 1.6)


def _label(score: FindingScore) -> str:
    return FINDINGS[score.finding].code.meaning


def _percentage(score: FindingScore) -> str:
    """Whole percents, but never rounded to a certainty the model does not have."""
    if 0 < score.probability < 0.005:
        return "<1%"
    if 0.995 <= score.probability < 1:
        return ">99%"
    return f"{score.probability * 100:.0f}%"


def box_label(score: FindingScore) -> str:
    """A finding and its probability, as they stand at a box."""
    return f"{_label(score)} {_percentage(score)}"


def _verdict(prediction: Prediction) -> str:
    present = sum(score.present for score in prediction.scores)
    if not present:
        return NOTHING
    return f"{present} finding{'s' if present > 1 else ''} above threshold"


def _heading_width(letters: Font, prediction: Prediction, pad: int) -> float:
    words = f"{NOT_FOR_DIAGNOSIS}{_verdict(prediction)}{_model(prediction)}"
    return letters.getlength(words) + 4 * pad + _key_width(letters, prediction)


def _model(prediction: Prediction) -> str:
    return f"Model {prediction.model_version}"


def _key_width(letters: Font, prediction: Prediction) -> float:
    if not any(score.present for score in prediction.scores):
        return 0
    return letters.getlength("heat     threshold ") + letters.getlength("M") * 5


def _draw_heading(draw: ImageDraw.ImageDraw, layout: _Layout, prediction: Prediction, y: int, width: int) -> int:
    """What it is and what was found on the left, the model on the right or below."""
    letters, pad = layout.font, layout.pad
    room = width - 2 * pad
    step = layout.line + pad // 2
    draw.text((pad, y), shortened(letters, NOT_FOR_DIAGNOSIS, room), font=letters, fill=_WHITE)
    x = pad + letters.getlength(NOT_FOR_DIAGNOSIS) + 2 * pad
    verdict = shortened(letters, _verdict(prediction), width - pad - x)
    draw.text((x, y), verdict, font=letters, fill=_WHITE)
    if layout.heading_lines == 1 and layout.rows == 0 and room < _heading_width(letters, prediction, pad):
        return y + step
    if layout.heading_lines == 2:
        y += step
        left = float(pad)
    else:
        left = x + letters.getlength(verdict) + 2 * pad
    name = shortened(letters, _model(prediction), width - pad - left)
    right = width - pad - letters.getlength(name)
    draw.text((right, y), name, font=letters, fill=_GREY)
    key = _key_width(letters, prediction)
    if key and left + key + pad <= right:
        _draw_key(draw, layout, left, y)
    return y + step


def _draw_key(draw: ImageDraw.ImageDraw, layout: _Layout, x: float, y: int) -> None:
    """The colours of the heat map, from low to high, and the tick that marks an operating point."""
    draw.text((x, y), "heat", font=layout.font, fill=_GREY)
    start = round(x + layout.font.getlength("heat "))
    length = round(layout.font.getlength("M") * 5)
    top, bottom = y + round(layout.line * 0.35), y + round(layout.line * 0.8)
    colours = heat_colours()
    for step in range(length):
        red, green, blue = (int(part) for part in colours[60 + step * 195 // length])
        draw.line((start + step, top, start + step, bottom), fill=(red, green, blue))
    tick = start + length + round(layout.font.getlength("   "))
    draw.rectangle((tick, top, tick + max(0, layout.line // 24), bottom), fill=_WHITE)
    draw.text((tick + layout.font.getlength("  "), y), "threshold", font=layout.font, fill=_GREY)


def _draw_table(draw: ImageDraw.ImageDraw, layout: _Layout, prediction: Prediction, y: int, width: int) -> None:
    """The findings in the model's order, column by column."""
    y += layout.pad // 2
    cell = (width - layout.pad) / layout.columns
    for index, score in enumerate(prediction.scores):
        column, row = divmod(index, layout.rows)
        _draw_cell(
            draw,
            layout,
            score,
            left=round(layout.pad + column * cell),
            right=round(layout.pad + (column + 1) * cell - layout.pad),
            top=y + row * _row_height(layout.line),
        )


def _draw_cell(
    draw: ImageDraw.ImageDraw, layout: _Layout, score: FindingScore, *, left: int, right: int, top: int
) -> None:
    """Name, probability, and a bar from 0 to 1 on which a tick marks the operating point."""
    letters, line = layout.font, layout.line
    colour = finding_colour(score.finding) if score.present else _GREY
    percentage = _percentage(score)
    numbers = right - letters.getlength(percentage)
    draw.text((left, top), shortened(letters, _label(score), numbers - left), font=letters, fill=colour)
    draw.text((numbers, top), percentage, font=letters, fill=colour)
    thick = max(1, round(line * 0.11))
    bar = top + round(line * 1.14)
    draw.rectangle((left, bar, right, bar + thick), fill=_TRACK)
    length = right - left
    if score.probability > 0:
        draw.rectangle((left, bar, left + round(length * score.probability), bar + thick), fill=colour)
    tick = left + round(length * score.operating_point)
    half = max(0, thick // 3)
    draw.rectangle((tick - half, bar - thick, tick + half, bar + 2 * thick), fill=_WHITE)
