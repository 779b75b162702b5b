"""The shapes that a synthetic chest radiograph is put together from, and the frame that they are drawn in."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator  # type: ignore[import-untyped]  # scipy ships no types

Image = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habitus:
    """What makes one chest differ from the next, beside chance; as it stands, an ordinary one taken well.

    Attributes:
        width, height, heart: factors.
        raised_right, raised_left: how much higher each dome of the diaphragm stands, in the frame's coordinates.
        exposure: the attenuation that becomes the middle grey level.
        contrast: the slope of the grey levels there.
        noise: a factor.
    """

    width: float = 1.0
    height: float = 1.0
    heart: float = 1.0
    raised_right: float = 0.0
    raised_left: float = 0.0
    exposure: float = 0.6
    contrast: float = 4.6
    noise: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The drawing's coordinates, and the chance that makes one phantom differ from the next."""

    x: Image
    y: Image
    rng: np.random.Generator

    @property
    def side(self) -> Image:
        """|x|: the chest is drawn as two mirrored halves where it is one."""
        return np.abs(self.x)


def below(value: Image, edge: Image | float, softness: float) -> Image:
    """0 where the value is under the edge, 1 where it is over it, with a soft step."""
    step: Image = 0.5 + 0.5 * np.tanh((value - edge) / softness)
    return step


def ellipse(frame: Frame, x: float, y: float, a: float, b: float, *, tilt: float = 0.0, softness: float = 0.1) -> Image:
    """A soft disc of 1, centred at (x, y), with half axes a and b, tilted (radians, clockwise)."""
    dx, dy = frame.x - x, frame.y - y
    along, across = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
    return 1 - below(np.sqrt((along / a) ** 2 + (across / b) ** 2), 1.0, softness)


def curve(points: tuple[tuple[float, float], ...], at: Image) -> Image:
    """A smooth curve through (y, x) points, at each y; constant beyond its ends."""
    ys, xs = zip(*points, strict=True)
    table = np.linspace(-1, 1, 1024)
    through: Image = np.interp(at, table, PchipInterpolator(ys, xs)(table)).astype(np.float32)
    return through


def band(distance: Image, half_width: float) -> Image:
    """A bone's shadow across its length: flat marrow, brighter cortex at both edges."""
    within = 1 - below(np.abs(distance), half_width, 0.2 * half_width)
    cortex: Image = np.minimum(np.abs(distance) / half_width, 1) ** 2
    shadow: Image = within * (0.65 + 0.35 * cortex)
    return shadow
