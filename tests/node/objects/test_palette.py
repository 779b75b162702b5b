"""Colours of findings and of heat."""

import numpy as np

from db.vocabulary import FINDINGS
from node.objects.palette import finding_colour, heat_colours, heat_opacity


def _lightness(rgb: np.ndarray) -> np.ndarray:
    """CIE lightness of sRGB, 0 to 100."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def test_more_heat_is_lighter():
    """Lightness grows all along the scale, so that it also reads in grey and for the colour-blind."""
    lightness = _lightness(heat_colours() / 255)

    assert (np.diff(lightness) > -0.2).all()
    assert lightness[-1] - lightness[0] > 60


def test_low_heat_leaves_the_radiograph_alone():
    """Nothing is covered below level 60, and nowhere more than half."""
    opacity = heat_opacity().astype(int)

    assert not opacity[:61].any()
    assert (np.diff(opacity) >= 0).all()
    assert opacity.max() <= 128


def test_every_finding_has_its_own_colour():
    """All fourteen findings can be drawn, no two alike, each bright enough for a dark label."""
    colours = {finding_colour(name) for name in FINDINGS}

    assert len(colours) == len(FINDINGS)
    assert all(_lightness(np.array(colour) / 255) > 55 for colour in colours)
