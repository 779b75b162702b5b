"""A synthetic chest radiograph: shapes that a computer draws, of nobody.

The drawing follows the physics in outline. Shapes of soft tissue, air and bone add up to one attenuation per
pixel, which is blurred as by scatter, made noisy as by few photons, and turned into the grey values that a
detector sends for presentation (MONOCHROME2: what attenuates more is brighter).

Geometry is in a frame of x and y in [-1, 1], from the left and top edge of the image; the patient faces the
viewer, so that his left, with the heart's apex, is at positive x. Attenuation 1 is the thickest of a body.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset
from scipy.interpolate import PchipInterpolator  # type: ignore[import-untyped]  # scipy ships no types
from scipy.ndimage import gaussian_filter, zoom  # type: ignore[import-untyped]  # scipy ships no types

from node.phantom_header import header

Image = npt.NDArray[np.float32]

FINDINGS = ("Cardiomegaly", "Effusion", "Nodule", "Pneumonia")
"""What can be drawn, by the names in `db.vocabulary`: a stylised sign of each."""

MAXIMUM = 4095
"""The largest of 12 bits."""

COARSE = 3
"""Shapes are drawn on pixels this many times larger, then interpolated; noise is in pixels of the image."""

_OUTLINE = (
    (-1, 0.25),
    (-0.88, 0.28),
    (-0.8, 0.5),
    (-0.74, 0.8),
    (-0.6, 0.96),
    (-0.35, 0.92),
    (0, 0.87),
    (1, 0.9),
)
_LATERAL = (
    (-1, 0.1),
    (-0.76, 0.16),
    (-0.7, 0.33),
    (-0.55, 0.5),
    (-0.3, 0.64),
    (0, 0.73),
    (0.35, 0.78),
    (1, 0.79),
)
_MEDIAL = ((-1, 0.2), (-0.68, 0.17), (-0.4, 0.12), (0, 0.11), (0.3, 0.12), (1, 0.13))
_LETTER_R = ("1110", "1001", "1001", "1110", "1010", "1001", "1001")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The drawing's coordinates, and the chance that makes one phantom differ from the next."""

    x: Image
    y: Image
    rng: np.random.Generator

    @property
    def side(self) -> Image:
        """|x|: the chest is drawn as two mirrored halves where it is one."""
        return np.abs(self.x)


def draw(
    *, rows: int = 2048, columns: int = 2048, seed: int = 0, findings: Collection[str] = ()
) -> npt.NDArray[np.uint16]:
    """Draw a frontal (PA) chest.

    Args:
        rows: height in pixels, 64 or more.
        columns: width in pixels, 64 or more.
        seed: the same seed gives the same picture; another one moves and scales the anatomy a little.
        findings: names out of `FINDINGS` whose signs to draw.

    Returns:
        (rows, columns), 12 bits, MONOCHROME2.
    """
    unknown = set(findings) - set(FINDINGS)
    if unknown:
        raise ValueError(f"The phantom cannot show {', '.join(sorted(unknown))}; only {', '.join(FINDINGS)}.")
    if min(rows, columns) < 64:
        raise ValueError(f"The phantom needs 64 x 64 pixels or more, not {rows} x {columns}.")
    rng = np.random.default_rng(seed)
    attenuation = _attenuation(_frame(-(-rows // COARSE), -(-columns // COARSE), rng), findings)
    full = zoom(attenuation, COARSE, order=1, grid_mode=True, mode="nearest")[:rows, :columns]
    return _detect(full, rng)


def dataset(*, rows: int = 2048, columns: int = 2048, seed: int = 0, findings: Collection[str] = ()) -> FileDataset:
    """A Digital X-Ray Image For Presentation of the phantom, with new UIDs (DICOM PS3.3 A.26)."""
    pixels = draw(rows=rows, columns=columns, seed=seed, findings=findings)
    ds = header(rows=rows, columns=columns)
    ds.PixelData = pixels.astype("<u2").tobytes()
    return ds


def _frame(rows: int, columns: int, rng: np.random.Generator) -> _Frame:
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    width, height = rng.uniform(0.97, 1.04, 2)
    lean, rise = rng.uniform(-0.015, 0.015, 2)
    return _Frame(x=((x - lean) / width).astype(np.float32), y=((y - rise) / height).astype(np.float32), rng=rng)


def _attenuation(frame: _Frame, findings: Collection[str]) -> Image:
    dome = _diaphragm(frame)
    lungs = _lungs(frame, dome)
    heart = _heart(frame, scale=1.42 if "Cardiomegaly" in findings else 1.0)
    air = lungs * (1 - 0.7 * heart)
    total = _body(frame) * (1 - 0.64 * air) + 0.12 * heart
    total += _mediastinum(frame) + _vessels(frame, lungs) * air
    total += _bones(frame)
    total -= 0.26 * _ellipse(frame, 0.36, 0.66, 0.17, 0.09, softness=0.25)
    for finding, sign in _SIGNS.items():
        if finding in findings:
            total += sign(frame, air)
    blurred: Image = gaussian_filter(total, total.shape[0] / 900)
    return blurred


def _detect(attenuation: Image, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """Scatter, edge enhancement, noise, the greyscale curve and the collimator, in that order."""
    coarse = attenuation[::8, ::8]
    haze = zoom(gaussian_filter(coarse, coarse.shape[0] / 14), 8, order=1, grid_mode=True, mode="nearest")
    haze = haze[: attenuation.shape[0], : attenuation.shape[1]]
    image = attenuation + 0.45 * (attenuation - haze)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    image += noise * (0.007 + 0.012 * np.clip(attenuation, 0, 1.2))
    grey = MAXIMUM / (1 + np.exp(-4.6 * (image - 0.6)))
    rows, columns = grey.shape
    top, left = round(0.012 * rows), round(0.01 * columns)
    _stamp_marker(grey)
    grey[:top], grey[-top:], grey[:, :left], grey[:, -left:] = 0, 0, 0, 0
    pixels: npt.NDArray[np.uint16] = np.clip(np.rint(grey), 0, MAXIMUM).astype(np.uint16)
    return pixels


def _stamp_marker(grey: Image) -> None:
    """The lead letter R at the patient's right shoulder."""
    dot = max(1, grey.shape[0] // 220)
    letter = np.kron(np.array([list(row) for row in _LETTER_R], int), np.ones((dot, dot), int)).astype(bool)
    top, left = round(0.06 * grey.shape[0]), round(0.07 * grey.shape[1])
    grey[top : top + letter.shape[0], left : left + letter.shape[1]][letter] = 0.97 * MAXIMUM


def _below(value: Image, edge: Image | float, softness: float) -> Image:
    """0 where the value is under the edge, 1 where it is over it, with a soft step."""
    step: Image = 0.5 + 0.5 * np.tanh((value - edge) / softness)
    return step


def _ellipse(
    frame: _Frame, x: float, y: float, a: float, b: float, *, tilt: float = 0.0, softness: float = 0.1
) -> Image:
    """A soft disc of 1, centred at (x, y), with half axes a and b, tilted (radians, clockwise)."""
    dx, dy = frame.x - x, frame.y - y
    along, across = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
    return 1 - _below(np.sqrt((along / a) ** 2 + (across / b) ** 2), 1.0, softness)


def _curve(points: tuple[tuple[float, float], ...], at: Image) -> Image:
    """A smooth curve through (y, x) points, at each y; constant beyond its ends."""
    ys, xs = zip(*points, strict=True)
    table = np.linspace(-1, 1, 1024)
    curve: Image = np.interp(at, table, PchipInterpolator(ys, xs)(table)).astype(np.float32)
    return curve


def _body(frame: _Frame) -> Image:
    """Neck, shoulders and trunk: thickest in the middle, denser below the diaphragm."""
    reach = frame.side / _curve(_OUTLINE, frame.y)
    inside = 1 - _below(reach, 1.0, 0.02)
    depth = np.sqrt(np.clip(1 - np.minimum(reach, 1) ** 3, 0, 1))
    arms = 0.3 * _ellipse(frame, -1.04, 0.0, 0.13, 0.9) + 0.3 * _ellipse(frame, 1.04, 0.0, 0.13, 0.9)
    trunk: Image = inside * (0.2 + 0.58 * depth) * (1 + 0.16 * _below(frame.y, 0.5, 0.2)) + arms
    return trunk


def _diaphragm(frame: _Frame) -> Image:
    """The height y of the two domes at each x; the right one stands higher, over the liver."""
    middle = np.where(frame.x < 0, 0.4, 0.46) + frame.rng.uniform(-0.03, 0.03)
    away = (frame.side - 0.36) / 0.42
    dome: Image = (middle + 0.2 * np.abs(away) ** 2.4).astype(np.float32)
    return dome


def _lungs(frame: _Frame, dome: Image) -> Image:
    """How much air each pixel sees: 1 in the middle of a lung, thin towards its borders."""
    lateral, medial = _curve(_LATERAL, frame.y), _curve(_MEDIAL, frame.y)
    within = _below(lateral - frame.side, 0.0, 0.025) * _below(frame.side - medial, 0.0, 0.03)
    above = 1 - _below(frame.y, dome, 0.012)
    place = np.clip((frame.side - medial) / np.maximum(lateral - medial, 0.02), 0, 1)
    depth = 0.7 + 0.6 * np.sqrt(place * (1 - place))
    lungs: Image = within * above * depth * _below(frame.y, -0.71, 0.03)
    return lungs


def _heart(frame: _Frame, *, scale: float) -> Image:
    """Ventricles to the patient's left, right atrium, and the knob of the aortic arch."""
    size = scale * frame.rng.uniform(0.95, 1.04)
    ventricles = _ellipse(frame, 0.11, 0.26, 0.31 * size, 0.22 * size, tilt=0.55, softness=0.1)
    atrium = _ellipse(frame, -0.05, 0.2, 0.15 * size, 0.22 * size, softness=0.12)
    trunk = _ellipse(frame, 0.06, 0.0, 0.13, 0.22, softness=0.15)
    arch = _ellipse(frame, 0.1, -0.24, 0.085, 0.085, softness=0.15)
    heart: Image = np.maximum.reduce([ventricles, atrium, 0.8 * trunk, 0.7 * arch])
    return heart


def _mediastinum(frame: _Frame) -> Image:
    """Great vessels and spine, with the airway in front of them as a dark band that forks at the carina."""
    vessels = 0.14 * (1 - _below(frame.side, 0.125, 0.025)) * (1 - _below(frame.y, 0.1, 0.2))
    discs = 0.75 + 0.25 * np.tanh(3 * np.sin(frame.y * 42) + 1.5)
    spine = 0.13 * (1 - _below(frame.side, 0.075, 0.012)) * discs
    trachea = (1 - _below(np.abs(frame.x + 0.01), 0.036, 0.01)) * (1 - _below(frame.y, -0.2, 0.02))
    fork = np.abs(frame.side - 0.02 - 0.75 * (frame.y + 0.21))
    bronchi = (1 - _below(fork, 0.028, 0.012)) * _below(frame.y, -0.21, 0.02) * (1 - _below(frame.y, -0.02, 0.05))
    shadow: Image = vessels + spine - 0.16 * trachea - 0.09 * bronchi
    return shadow


def _vessels(frame: _Frame, lungs: Image) -> Image:
    """Pulmonary vessels: random walks out of each hilum, thinner and fainter with every fork."""
    rows, columns = lungs.shape
    total = np.zeros_like(lungs)
    for generation, (count, sigma, weight) in enumerate(((14, 5.5, 1.0), (44, 3.2, 0.55), (130, 1.9, 0.3))):
        angle = frame.rng.uniform(-1.35, 1.35, count)
        heading = angle[:, None] + np.cumsum(frame.rng.normal(0, 0.055, (count, 400)), axis=1)
        reach = np.linspace(0, (0.26, 0.42, 0.55)[generation], 400) * frame.rng.uniform(0.6, 1, (count, 1))
        step = np.diff(reach, axis=1, prepend=0)
        side = np.where(np.arange(count) % 2, 1, -1)[:, None]
        x = side * (0.15 + np.cumsum(step * np.cos(heading), axis=1))
        y = 0.0 + np.cumsum(step * np.sin(heading) * 1.25, axis=1)
        column = np.clip(((x + 1) / 2 * (columns - 1)).astype(int), 0, columns - 1)
        row = np.clip(((y + 1) / 2 * (rows - 1)).astype(int), 0, rows - 1)
        points = np.zeros_like(lungs)
        np.add.at(points, (row, column), np.linspace(1, 0.25, 400, dtype=np.float32))
        width = sigma * rows / 1024
        total += weight * 0.14 * np.minimum(gaussian_filter(points, width) * 2.5 * width, 1)
    return total


def _bones(frame: _Frame) -> Image:
    """Ribs, clavicles, shoulder blades and the heads of the upper arms."""
    bones = np.zeros_like(frame.x)
    for number in range(10):
        bones += _rib(frame, number)
    clavicle = -0.66 - 0.1 * (frame.side - 0.1) + 0.03 * np.sin((frame.side - 0.1) * 9)
    ends = _below(frame.side, 0.1, 0.015) * (1 - _below(frame.side, 0.72, 0.03))
    bones += 0.13 * _band(frame.y - clavicle, 0.03) * ends
    blade = frame.side - 0.74 + 0.12 * (frame.y + 0.3) ** 2
    bones += 0.05 * _below(blade, 0.0, 0.015) * _below(frame.y, -0.62, 0.05) * (1 - _below(frame.y, 0.02, 0.1))
    for x in (-0.87, 0.87):
        bones += 0.1 * _ellipse(frame, x, -0.61, 0.085, 0.085, softness=0.1)
        bones += 0.1 * _ellipse(frame, 1.1 * x, -0.1, 0.045, 0.5, tilt=-0.08 * np.sign(x), softness=0.1)
    return bones


def _rib(frame: _Frame, number: int) -> Image:
    """One pair of ribs: from the spine outward and down, round the side, and forward until the cartilage."""
    top = -0.76 + 0.118 * number
    lateral = float(np.interp(number, (0, 2, 5, 9), (0.38, 0.62, 0.77, 0.81)))
    t = np.clip((frame.side - 0.08) / (lateral - 0.08), 0, 1)
    inside = 1 - _below(frame.side, lateral, 0.008)
    fall = 0.2 + 0.016 * number
    posterior = top - 0.05 * np.sin(np.pi * t) + fall * t**3
    slope = (3 * fall * t**2 - 0.05 * np.pi * np.cos(np.pi * t)) / (lateral - 0.08)
    band = _band((frame.y - posterior) / np.hypot(1, slope), 0.024) * _below(frame.side, 0.07, 0.01)
    anterior = top + fall + (0.13 + 0.02 * number) * (1 - t) ** 0.8 * (1 + 0.3 * t)
    front = _band(frame.y - anterior, 0.026) * _below(t, 0.42, 0.06)
    rib: Image = inside * (0.12 * band + 0.075 * front * (number < 7))
    return rib


def _band(distance: Image, half_width: float) -> Image:
    """A bone's shadow across its length: flat marrow, brighter cortex at both edges."""
    within = 1 - _below(np.abs(distance), half_width, 0.2 * half_width)
    cortex: Image = np.minimum(np.abs(distance) / half_width, 1) ** 2
    band: Image = within * (0.65 + 0.35 * cortex)
    return band


def _effusion(frame: _Frame, air: Image) -> Image:
    """Fluid at the base of the patient's left lung, its surface rising towards the side (a meniscus)."""
    surface = 0.34 - 0.5 * np.clip(frame.x - 0.3, 0, 1) ** 1.5
    fluid: Image = 0.5 * air * _below(frame.y, surface, 0.025) * _below(frame.x, 0.05, 0.03)
    return fluid


def _nodule(frame: _Frame, air: Image) -> Image:
    """A round shadow in the upper right lung."""
    nodule: Image = 0.17 * air * _ellipse(frame, -0.42, -0.26, 0.045, 0.045, softness=0.12)
    return nodule


def _pneumonia(frame: _Frame, air: Image) -> Image:
    """A patchy shadow with soft borders in the lower right lung."""
    patches = np.zeros(frame.x.shape, np.float32)
    for dx, dy in frame.rng.normal(0, 0.06, (5, 2)).tolist():
        patches += _ellipse(frame, -0.42 + dx, 0.16 + dy, 0.15, 0.12, softness=0.4)
    shadow: Image = 0.3 * air * np.tanh(0.6 * patches)
    return shadow


_SIGNS: dict[str, Callable[[_Frame, Image], Image]] = {
    "Effusion": _effusion,
    "Nodule": _nodule,
    "Pneumonia": _pneumonia,
}
